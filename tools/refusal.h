// A refusal to start or to go on: what was looked at, why it won't do, and what the operator can do
// about it. Printed as one line, whatever a file name or a value in it holds. Main thread only.
#pragma once

#include <expected>
#include <string>

namespace millrace::tools {

struct Refusal {
  std::string what;    // the flag, key, file or kernel interface
  std::string why;     // what is wrong with it
  std::string remedy;  // what to do; may be empty where `why` already says it

  // "millrace: what: why; remedy", without a newline; control bytes are shown as '?'.
  std::string line() const;
};

template <class T = void>
using Allowed = std::expected<T, Refusal>;

std::unexpected<Refusal> refuse(std::string what, std::string why, std::string remedy);
// The same with the kernel's words for `errnum` as the reason.
std::unexpected<Refusal> refuse_errno(std::string what, int errnum, std::string remedy);

// English words for an errno ("No space left on device").
std::string errno_text(int errnum);

}  // namespace millrace::tools
