// Errors are values. An Error is eight trivially copyable bytes: what kind it
// is (Errc) and, where the kernel said so, its errno. Each layer maps it once.
#pragma once

#include <cstdint>
#include <expected>
#include <type_traits>

namespace millrace::engine {

enum class Errc : std::uint16_t {
  system,       // a system call failed; sys holds the errno (> 0)
  eof,          // the peer or the file ended before what was asked for
  cancelled,    // the operation was cancelled by its owner
  timed_out,    // a deadline passed
  malformed,    // the input breaks its grammar
  too_large,    // the input is over a stated limit
  exhausted,    // a budget (buffers, slots, descriptors) is empty
  unsupported,  // this kernel or filesystem can't do it
  corrupt,      // stored data fails its own check
};

struct Error {
  Errc code = Errc::system;
  std::int32_t sys = 0;  // errno, positive; 0 when the kernel had no part in it

  static constexpr Error from_errno(int errnum) { return {Errc::system, errnum}; }
  // From a negative result of a completion or raw system call.
  static constexpr Error from_result(int res) { return {Errc::system, -res}; }
  constexpr bool is(int errnum) const { return code == Errc::system && sys == errnum; }
  constexpr bool operator==(const Error&) const = default;
};
static_assert(sizeof(Error) == 8 && std::is_trivially_copyable_v<Error>);

template <class T = void>
using Result = std::expected<T, Error>;

constexpr std::unexpected<Error> fail(Errc code) {
  return std::unexpected(Error{code, 0});
}
constexpr std::unexpected<Error> fail_errno(int errnum) {
  return std::unexpected(Error::from_errno(errnum));
}

// A short English phrase for logs and command lines ("No space left on device").
const char* describe(Error error);

}  // namespace millrace::engine
