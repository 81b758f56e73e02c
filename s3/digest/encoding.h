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

// The value of one hex digit, or -1.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace millrace::s3
