// See encoded_word.h; the section numbers are RFC 2047's.
#include "s3/handlers/encoded_word.h"

#include "s3/digest/encoding.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace millrace::s3::handlers {

namespace {

constexpr std::size_t word_chars_max = 75;  // section 2
constexpr std::string_view q_begin = "=?UTF-8?Q?";
constexpr std::string_view b_begin = "=?UTF-8?B?";
constexpr std::string_view word_end = "?=";
constexpr std::size_t room_chars = word_chars_max - q_begin.size() - word_end.size();

bool is_high(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

std::string utf8_of_latin1(char c) {
  const auto code = static_cast<unsigned char>(c);
  if (code < 0x80) return {c};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

// Section 5 (3) leaves only these and the underscore for the space to words in a phrase, which is
// the narrowest rule.
bool is_q_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '!' ||
         c == '*' || c == '+' || c == '-' || c == '/';
}

std::string q_text(std::string_view utf8) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      text.push_back('_');
    } else if (is_q_plain(c)) {
      text.push_back(c);
    } else {
      text.append({'=', digits[byte >> 4], digits[byte & 15]});
    }
  }
  return text;
}

std::size_t b_chars(std::size_t bytes) {
  return base64_chars(bytes);
}

std::string b_text(std::string_view utf8) {
  return base64_text(std::span(reinterpret_cast<const std::uint8_t*>(utf8.data()), utf8.size()));
}

}  // namespace

bool is_ascii(std::string_view value) {
  return std::ranges::none_of(value, is_high);
}

std::string encoded_words(std::string_view value) {
  const auto high = static_cast<std::size_t>(std::ranges::count_if(value, is_high));
  // Each high byte is two of UTF-8.
  const bool q = value.size() - high > 2 * high;
  std::string words;
  std::string utf8;
  const auto flush = [&] {
    if (!words.empty()) words.push_back(' ');
    words.append(q ? q_begin : b_begin).append(q ? q_text(utf8) : b_text(utf8)).append(word_end);
    utf8.clear();
  };
  // A character is never cut in two (section 5).
  for (const char c : value) {
    const std::string next = utf8_of_latin1(c);
    const std::size_t chars =
        q ? q_text(utf8).size() + q_text(next).size() : b_chars(utf8.size() + next.size());
    if (chars > room_chars) flush();
    utf8 += next;
  }
  if (!utf8.empty()) flush();
  return words;
}

}  // namespace millrace::s3::handlers
