// Patterns: against what they match, and against a slow and simple matcher.
#include "s3/policy/pattern.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace millrace::s3::policy;

namespace {

bool slowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return slowly(pattern.substr(1), text) || (!text.empty() && slowly(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         slowly(pattern.substr(1), text.substr(1));
}

}  // namespace

TEST_CASE("policy patterns: what they match") {
  CHECK(matches("*", ""));
  CHECK(matches("bucket/*", "bucket/"));
  CHECK(matches("bucket/*/x", "bucket/a/b/x"));
  CHECK_FALSE(matches("bucket/*", "bucket"));
  CHECK_FALSE(matches("bucket/a", "bucket/A"));
  CHECK(matches("S3:get*", "s3:GetObject", Letters::ignore_case));
  CHECK(matches("a?c", "aüc"));  // one character, not one byte
  CHECK_FALSE(matches("a?c", "abbc"));
  CHECK(may_match_beginning("bucket/open/*", "bucket/"));
  CHECK(may_match_beginning("buck*", "bucket/"));
  CHECK(may_match_beginning("b?cket/x", "bucket/"));
  CHECK_FALSE(may_match_beginning("bucket", "bucket/"));
  CHECK_FALSE(may_match_beginning("other/*", "bucket/"));
}

TEST_CASE("policy patterns agree with a simple matcher") {
  std::mt19937 random(7);
  const auto word = [&](std::string_view letters) {
    std::string text(random() % 9, ' ');
    for (char& c : text) c = letters[random() % letters.size()];
    return text;
  };
  unsigned matched = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string pattern = word("ab*?");
    const std::string text = word("ab");
    CAPTURE(pattern);
    CAPTURE(text);
    REQUIRE(matches(pattern, text) == slowly(pattern, text));
    matched += matches(pattern, text) ? 1 : 0;
    // Whatever a match begins with is a beginning that may match.
    if (!matches(pattern, text)) continue;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      REQUIRE(may_match_beginning(pattern, text.substr(0, cut)));
    }
  }
  CHECK(matched > 500);
}

TEST_CASE("a pattern of many stars ends soon") {
  std::string pattern;
  for (int i = 0; i < 5000; ++i) pattern += "*a";
  CHECK_FALSE(matches(pattern + "b", std::string(1024, 'a')));
}
