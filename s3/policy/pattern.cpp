// See pattern.h.
#include "s3/policy/pattern.h"

#include <algorithm>
#include <vector>

namespace millrace::s3::policy {

namespace {

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same(char one, char other, Letters letters) {
  return letters == Letters::exact ? one == other : lowered(one) == lowered(other);
}

// Behind the character of UTF-8 that begins at `at`.
std::size_t after_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

}  // namespace

bool equal_ignoring_case(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, lowered, lowered);
}

// Where a piece does not fit, only the last '*' can take more: what is before it fitted as early
// as it could.
bool matches(std::string_view pattern, std::string_view text, Letters letters) {
  constexpr auto none = std::string_view::npos;
  std::size_t p = 0, t = 0;
  std::size_t star = none, resumed = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resumed = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t = after_character(text, t);
    } else if (p < pattern.size() && same(pattern[p], text[t], letters)) {
      ++p;
      ++t;
    } else if (star != none) {
      p = star + 1;
      t = ++resumed;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// All the places in the pattern where the text may have led to. Whatever is left of it there can
// be matched by some continuation.
bool may_match_beginning(std::string_view pattern, std::string_view text) {
  std::vector<bool> at(pattern.size() + 1, false);
  const auto spread = [&](std::vector<bool>& places) {
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      if (places[p] && pattern[p] == '*') places[p + 1] = true;
    }
  };
  at[0] = true;
  spread(at);
  for (const char c : text) {
    std::vector<bool> next(pattern.size() + 1, false);
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      if (!at[p]) continue;
      if (pattern[p] == '*') next[p] = true;
      if (pattern[p] == '?' || pattern[p] == c) next[p + 1] = true;
    }
    spread(next);
    at = std::move(next);
  }
  return std::ranges::find(at, true) != at.end();
}

}  // namespace millrace::s3::policy
