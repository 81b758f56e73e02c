// Character classes and small lexical rules of RFC 9110 section 5.6 and RFC 3986 section 2,
// shared by the scanner, the parser and the chunked decoder. Pure, any thread; independent
// of locale, and every class is one load from a constant table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace millrace::http::grammar {

enum Class : std::uint8_t {
  token_class = 1,        // RFC 9110 5.6.2 tchar
  field_value_class = 2,  // HTAB, SP, VCHAR, obs-text
  host_class = 4,         // letters, digits, '-', '.', '_'
  digit_class = 8,
};

consteval std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool alnum = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    unsigned bits = c == '\t' || (c >= 0x20 && c != 0x7f) ? field_value_class : 0U;
    if (alnum) bits |= token_class | host_class;
    if (digit) bits |= digit_class;
    table[c] = static_cast<std::uint8_t>(bits);
  }
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(c)] |= token_class;
  }
  for (char c : std::string_view("-._")) table[static_cast<unsigned char>(c)] |= host_class;
  return table;
}

inline constexpr std::array<std::uint8_t, 256> classes = make_classes();

constexpr bool is(char c, Class wanted) {
  return (classes[static_cast<unsigned char>(c)] & wanted) != 0;
}
// Whether no byte is refused; without a branch for each byte, so that compilers test many at once.
template <class Refused>
constexpr bool none(std::string_view text, Refused refused) {
  std::uint8_t found = 0;
  for (char c : text) found |= static_cast<std::uint8_t>(refused(static_cast<unsigned char>(c)));
  return found == 0;
}
constexpr bool all(std::string_view text, Class wanted) {
  for (char c : text) {
    if (!is(c, wanted)) return false;
  }
  return true;
}

constexpr bool is_token_char(char c) {
  return is(c, token_class);
}
constexpr bool is_digit(char c) {
  return is(c, digit_class);
}
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}  // OWS
constexpr bool is_token(std::string_view text) {
  return !text.empty() && all(text, token_class);
}
constexpr bool is_field_value(std::string_view text) {
  return none(text, [](unsigned char c) { return ((c < 0x20) & (c != '\t')) | (c == 0x7f); });
}
// The bytes taken in a request target, '#' among them: visible ones and 0x80 to 0xff.
constexpr bool is_target(std::string_view text) {
  return none(text, [](unsigned char c) { return (c <= 0x20) | (c == 0x7f); });
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// ASCII case-insensitive equality of any two texts.
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// Without the spaces and tabs at both ends.
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next element of a comma-separated list (RFC 9110 5.6.1) off `rest`, trimmed and
// possibly empty. For lists without quoted strings. False once `rest` is used up.
constexpr bool next_element(std::string_view& rest, std::string_view& element) {
  if (rest.empty()) return false;
  const std::size_t comma = rest.find(',');
  element = trim(rest.substr(0, comma));
  rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  return true;
}

}  // namespace millrace::http::grammar
