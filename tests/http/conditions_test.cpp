// Entity tags and conditional requests, as tables.
#include "http/conditions.h"

#include <doctest/doctest.h>
#include <array>

namespace millrace::http {
namespace {

constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view exactly = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view after = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr std::int64_t now = 1'750'000'000;
constexpr Representation object{true, "abc", 784111777};
constexpr Representation missing{};

struct TagRow {
  std::string_view value;
  bool strong;
  bool weak;
};

constexpr auto tag_rows = std::to_array<TagRow>({
    {"\"abc\"", true, true},
    {"abc", true, true},
    {"*", true, true},
    {" * ", true, true},
    {"W/\"abc\"", false, true},
    {"W/abc", false, true},
    {"w/\"abc\"", false, false},
    {"\"x\", \"abc\"", true, true},
    {"\"x\",\"abc\"", true, true},
    {"x, abc", true, true},
    {"x,,abc", true, true},
    {", \"abc\" ,", true, true},
    {"W/\"x\", W/\"abc\"", false, true},
    {"W/\"abc\", \"abc\"", true, true},
    {"\"a,bc\", \"abc\"", true, true},
    {"\"ABC\"", false, false},
    {"\"ab\"", false, false},
    {"\"abcd\"", false, false},
    {"\"\"", false, false},
    {"\"*\"", false, false},
    {"*, \"x\"", false, false},
    {"\"x\" \"abc\"", false, false},
    {"\"abc", false, false},
    {"abc\"", false, false},
    {"\"x\"abc", false, false},
    {"\"\"abc\"\"", false, false},
    {",", false, false},
    {"x abc", false, false},
});

TEST_CASE("conditions: lists of entity tags") {
  for (const TagRow& row : tag_rows) {
    CAPTURE(row.value);
    CHECK(etag_list_matches(row.value, "abc", Comparison::strong) == row.strong);
    CHECK(etag_list_matches(row.value, "abc", Comparison::weak) == row.weak);
  }
  CHECK(etag_list_matches("\"0123-42\"", "0123-42", Comparison::strong));
}

struct Row {
  Conditions conditions;
  Verdict read;
  Verdict write;
};

constexpr Verdict go = Verdict::proceed;
constexpr Verdict same = Verdict::not_modified;
constexpr Verdict stop = Verdict::precondition_failed;

TEST_CASE("conditions: verdicts on an object that exists") {
  const auto rows = std::to_array<Row>({
      {{"", "", "", ""}, go, go},
      {{"abc", "", "", ""}, go, go},
      {{"*", "", "", ""}, go, go},
      {{"x", "", "", ""}, stop, stop},
      {{"W/\"abc\"", "", "", ""}, stop, stop},
      {{"", "abc", "", ""}, same, stop},
      {{"", "W/\"abc\"", "", ""}, same, stop},
      {{"", "*", "", ""}, same, stop},
      {{"", "x", "", ""}, go, go},
      {{"", "", before, ""}, go, go},
      {{"", "", exactly, ""}, same, go},
      {{"", "", after, ""}, same, go},
      {{"", "", "never", ""}, go, go},
      {{"", "", "", before}, stop, stop},
      {{"", "", "", exactly}, go, go},
      {{"", "", "", after}, go, go},
      {{"", "", "", "never"}, go, go},
      // A tag outweighs its date.
      {{"abc", "", "", before}, go, go},
      {{"x", "", "", after}, stop, stop},
      {{"", "x", after, ""}, go, go},
      {{"", "abc", before, ""}, same, stop},
      // Both halves.
      {{"abc", "abc", "", ""}, same, stop},
      {{"x", "abc", "", ""}, stop, stop},
      {{"abc", "", after, ""}, same, go},
      {{"", "", after, before}, stop, stop},
      {{"", "x", "", after}, go, go},
  });
  for (const Row& row : rows) {
    CAPTURE(row.conditions.if_match);
    CAPTURE(row.conditions.if_none_match);
    CAPTURE(row.conditions.if_modified_since);
    CAPTURE(row.conditions.if_unmodified_since);
    CHECK(evaluate(row.conditions, object, true, now) == row.read);
    CHECK(evaluate(row.conditions, object, false, now) == row.write);
  }
  CHECK_FALSE(Conditions{}.any());
  CHECK(Conditions{"", "", "", "x"}.any());
}

TEST_CASE("conditions: verdicts where no object exists") {
  CHECK(evaluate({"*", "", "", ""}, missing, false, now) == stop);
  CHECK(evaluate({"abc", "", "", ""}, missing, false, now) == stop);
  CHECK(evaluate({"", "*", "", ""}, missing, false, now) == go);
  CHECK(evaluate({"", "abc", "", ""}, missing, false, now) == go);
  CHECK(evaluate({"", "", after, before}, missing, true, now) == go);
}

TEST_CASE("conditions: If-Range") {
  CHECK(if_range_matches("", object, now));
  CHECK(if_range_matches("\"abc\"", object, now));
  CHECK(if_range_matches("abc", object, now));
  CHECK(if_range_matches(exactly, object, now));
  CHECK_FALSE(if_range_matches(after, object, now));
  CHECK_FALSE(if_range_matches(before, object, now));
  CHECK_FALSE(if_range_matches("W/\"abc\"", object, now));
  CHECK_FALSE(if_range_matches("\"x\"", object, now));
  CHECK_FALSE(if_range_matches("\"abc\", \"x\"", object, now));
  CHECK_FALSE(if_range_matches("*", object, now));
  CHECK_FALSE(if_range_matches("\"abc", object, now));
}

}  // namespace
}  // namespace millrace::http
