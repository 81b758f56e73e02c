// Hexadecimal and base64 (RFC 4648 sections 8 and 4) into the caller's buffers.
// Thread: any; no state. Invariant: decoders are strict, so that two texts never stand for
// the same bytes except by the case of hex digits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace::s3 {

// Writes 2 x in.size() lower-case digits; out must have the room (checked).
void hex_encode(std::span<const std::uint8_t> in, std::span<char> out);

template <std::size_t N>
std::array<char, 2 * N> hex_of(const std::array<std::uint8_t, N>& in) {
  std::array<char, 2 * N> out;
  hex_encode(in, out);
  return out;
}

// True when text is exactly 2 x out.size() hex digits of either case; else out is undefined.
bool hex_decode(std::string_view text, std::span<std::uint8_t> out);

constexpr std::size_t base64_chars(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

// Writes base64_chars(in.size()) characters, padded; out must have the room (checked).
void base64_encode(std::span<const std::uint8_t> in, std::span<char> out);
std::string base64_text(std::span<const std::uint8_t> in);

// The number of bytes written, or nothing: for a length that isn't a multiple of four, any
// character outside the alphabet (white space too), wrong padding, unused bits that aren't
// zero, or more bytes than out holds.
std::optional<std::size_t> base64_decode(std::string_view text, std::span<std::uint8_t> out);

// A table: the digits of a signature are random, and so would be the branches on them.
inline constexpr std::array<std::int8_t, 256> hex_digits = [] {
  std::array<std::int8_t, 256> value;
  value.fill(-1);
  for (int i = 0; i < 10; ++i)
    value[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    value[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    value[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return value;
}();
// The value of one hex digit, or -1.
constexpr int hex_digit(char c) {
  return hex_digits[static_cast<unsigned char>(c)];
}

}  // namespace millrace::s3
