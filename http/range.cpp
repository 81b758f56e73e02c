// One range of bytes.
#include "http/range.h"

#include "http/grammar.h"

#include <algorithm>
#include <limits>

namespace millrace::http {
namespace {

using Kind = RangeAnswer::Kind;

bool is_number(std::string_view text) {
  return !text.empty() && grammar::all(text, grammar::digit_class);
}

std::uint64_t saturating_number(std::string_view digits) {
  std::uint64_t number = 0;
  for (char c : digits) {
    if (__builtin_mul_overflow(number, std::uint64_t{10}, &number) ||
        __builtin_add_overflow(number, static_cast<std::uint64_t>(c - '0'), &number)) {
      return std::numeric_limits<std::uint64_t>::max();
    }
  }
  return number;
}

RangeAnswer suffix(std::uint64_t wanted, std::uint64_t size) {
  const std::uint64_t length = std::min(wanted, size);
  if (length == 0) return {Kind::unsatisfiable, 0, 0};
  return {Kind::slice, size - length, length};
}

}  // namespace

RangeAnswer parse_range(std::string_view value, std::uint64_t size) {
  if (value.empty()) return {Kind::none, 0, 0};
  constexpr RangeAnswer ignored{Kind::ignored, 0, 0};
  const std::size_t equals = value.find('=');
  if (equals == std::string_view::npos ||
      !grammar::equal_ignoring_case(value.substr(0, equals), "bytes")) {
    return ignored;
  }
  const std::string_view range = grammar::trim(value.substr(equals + 1));
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return ignored;
  const std::string_view first_text = range.substr(0, dash);
  const std::string_view last_text = range.substr(dash + 1);
  if (first_text.empty()) {
    return is_number(last_text) ? suffix(saturating_number(last_text), size) : ignored;
  }
  if (!is_number(first_text) || (!last_text.empty() && !is_number(last_text))) return ignored;

  const std::uint64_t first = saturating_number(first_text);
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  if (!last_text.empty()) last = saturating_number(last_text);
  if (last < first) return ignored;
  if (first >= size) return {Kind::unsatisfiable, 0, 0};
  return {Kind::slice, first, std::min(last, size - 1) - first + 1};
}

}  // namespace millrace::http
