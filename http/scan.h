// Finds the end of a request's head in bytes that arrive in pieces, and refuses what no honest
// client sends, before any parser sees it. Owned by one connection; pure, no I/O.
// Invariant: the answer depends on the bytes only, never on how they were split, and each
// byte is looked at once for control characters.
//
// Refused with 400: NUL and every control byte but HTAB, a CR without LF, an LF without CR,
// lines that begin with white space (obs-fold), lines without a colon, with an empty name or
// with white space before the colon. Refused for size: 414 and 431, see http/limits.h.
// One empty line before the request line is skipped (RFC 9112 section 2.2: some old clients
// send it after a body); a second one is refused.
#pragma once

#include "http/reject.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace millrace::http {

class HeadScanner {
 public:
  // Where the head lies in the bytes given: [begin, end), its final CR LF CR LF included.
  // Whatever follows `end` is body, or the next request.
  struct Extent {
    std::size_t begin = 0;
    std::size_t end = 0;  // 0: the head isn't complete yet, read more
    bool complete() const { return end != 0; }
  };

  // `bytes` is all that was received of this request so far; a later call passes the same
  // bytes with more behind them (they may have moved in memory). After a Reject or a complete
  // Extent the scanner wants reset().
  std::expected<Extent, Reject> scan(std::string_view bytes);

  void reset() { *this = HeadScanner{}; }

 private:
  std::expected<void, Reject> end_line(std::string_view line);
  std::expected<void, Reject> check_sizes(std::size_t position) const;

  std::size_t position_ = 0;  // the first byte not yet scanned
  std::size_t begin_ = 0;     // of the head
  std::size_t line_begin_ = 0;
  std::uint16_t lines_ = 0;  // complete lines of the head so far
};

}  // namespace millrace::http
