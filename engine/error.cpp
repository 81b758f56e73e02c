// Texts of errors, and the end of the process when a CHECK fails.
#include "engine/error.h"

#include "engine/check.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace millrace::engine {

const char* describe(Error error) {
  switch (error.code) {
    case Errc::system: {
      const char* text = strerrordesc_np(error.sys);
      return text != nullptr ? text : "unknown system error";
    }
    case Errc::eof: return "unexpected end";
    case Errc::cancelled: return "cancelled";
    case Errc::timed_out: return "deadline passed";
    case Errc::malformed: return "malformed";
    case Errc::too_large: return "over a limit";
    case Errc::exhausted: return "budget exhausted";
    case Errc::unsupported: return "not supported here";
    case Errc::corrupt: return "stored data is corrupt";
  }
  return "unknown error";
}

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace millrace::engine
