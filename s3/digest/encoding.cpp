// Hexadecimal and base64. Thread: any; no state. Invariant: no write beyond the caller's
// buffer, whatever the text.
#include "s3/digest/encoding.h"

#include "engine/check.h"

namespace millrace::s3 {
namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_base64_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < base64_alphabet.size(); ++i)
    values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}
constexpr std::array<std::int8_t, 256> base64_values = make_base64_values();

int base64_value(char c) {
  return base64_values[static_cast<unsigned char>(c)];
}

}  // namespace

void hex_encode(std::span<const std::uint8_t> in, std::span<char> out) {
  constexpr std::string_view digits = "0123456789abcdef";
  CHECK(out.size() >= 2 * in.size());
  std::size_t at = 0;
  for (std::uint8_t byte : in) {
    out[at++] = digits[byte >> 4];
    out[at++] = digits[byte & 15];
  }
}

bool hex_decode(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

void base64_encode(std::span<const std::uint8_t> in, std::span<char> out) {
  CHECK(out.size() >= base64_chars(in.size()));
  std::size_t at = 0;
  for (std::size_t i = 0; i < in.size(); i += 3) {
    const std::size_t left = in.size() - i;
    const std::uint32_t group = static_cast<std::uint32_t>(in[i]) << 16 |
                                (left > 1 ? static_cast<std::uint32_t>(in[i + 1]) << 8 : 0) |
                                (left > 2 ? in[i + 2] : 0);
    out[at++] = base64_alphabet[group >> 18 & 63];
    out[at++] = base64_alphabet[group >> 12 & 63];
    out[at++] = left > 1 ? base64_alphabet[group >> 6 & 63] : '=';
    out[at++] = left > 2 ? base64_alphabet[group & 63] : '=';
  }
}

std::string base64_text(std::span<const std::uint8_t> in) {
  std::string out(base64_chars(in.size()), '\0');
  base64_encode(in, out);
  return out;
}

std::optional<std::size_t> base64_decode(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  if (text.ends_with('=')) padding = text.ends_with("==") ? 2 : 1;
  const std::size_t bytes = text.size() / 4 * 3 - padding;
  if (bytes > out.size()) return std::nullopt;

  std::uint32_t bits = 0;
  int bit_count = 0;
  std::size_t at = 0;
  for (char c : text.substr(0, text.size() - padding)) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      out[at++] = static_cast<std::uint8_t>(bits >> bit_count);
      bits &= (1U << bit_count) - 1;
    }
  }
  if (bits != 0) return std::nullopt;
  return at;
}

}  // namespace millrace::s3
