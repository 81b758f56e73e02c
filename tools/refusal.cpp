// Renders refusals as the one line that the operator sees. Main thread only.
#include "tools/refusal.h"

#include "engine/error.h"

namespace millrace::tools {

std::string Refusal::line() const {
  std::string text = "millrace: " + what + ": " + why;
  if (!remedy.empty()) text += "; " + remedy;
  for (char& byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f) byte = '?';
  }
  return text;
}

std::unexpected<Refusal> refuse(std::string what, std::string why, std::string remedy) {
  return std::unexpected(Refusal{std::move(what), std::move(why), std::move(remedy)});
}

std::unexpected<Refusal> refuse_errno(std::string what, int errnum, std::string remedy) {
  return refuse(std::move(what), errno_text(errnum), std::move(remedy));
}

std::string errno_text(int errnum) {
  return engine::describe(engine::Error::from_errno(errnum));
}

}  // namespace millrace::tools
