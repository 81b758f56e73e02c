// Rules of tags, and their two written forms.
#include "s3/tags.h"

#include "s3/xml/tagging_document.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace;
using s3::ErrorCode;
using s3::TagSet;

namespace {

std::string listed(const s3::store::PackedPairs& tags) {
  std::string text;
  for (const auto pair : tags) {
    text.append("[").append(pair.name).append("|").append(pair.value).append("]");
  }
  return text;
}

std::string parsed(std::string_view header) {
  TagSet tags;
  const auto done = tags.parse(header);
  return done ? listed(tags.packed()) : std::string(s3::code_text(done.error().code));
}

ErrorCode checked(std::string_view key, std::string_view value) {
  const s3::store::Pair tag[] = {{key, value}};
  const auto done = s3::check_tags(tag, s3::object_tag_rules());
  return done ? ErrorCode::not_modified : done.error().code;
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("tags: the header is a query") {
  CHECK(parsed("a=1&b=2") == "[a|1][b|2]");
  CHECK(parsed("a%3Db=%2F+x&&none") == "[a=b|/ x][none|]");
  CHECK(parsed("a=b=c") == "[a|b=c]");
  CHECK(parsed("").empty());
  for (const char* bad : {"a=%", "a=%4", "%zz=1", "a=%FF", "a=1&a=2", "a=1&%61=2"}) {
    CAPTURE(bad);
    CHECK(parsed(bad) == "InvalidArgument");
  }
  CHECK(parsed("a=%26") == "InvalidTag");
}

TEST_CASE("tags: lengths count code points, and letters of every script are letters") {
  constexpr auto good = ErrorCode::not_modified;
  CHECK(checked(repeated("\xC3\xA9", 128), repeated("\xF0\x9D\x84\x9E", 256)) == good);
  CHECK(checked(repeated("\xC3\xA9", 129), "") == ErrorCode::invalid_tag);
  CHECK(checked("k", repeated("\xF0\x9D\x84\x9E", 257)) == ErrorCode::invalid_tag);
  CHECK(checked("azAZ09 +-=._:/@", "") == good);
  for (const char* bad :
       {"a,b", "a&b", "a\tb", "a\nb", "\x7F", "\xC2\x80", "\xC2\x9F", "\xC3", "<"}) {
    CAPTURE(bad);
    CHECK(checked(bad, "") == ErrorCode::invalid_tag);
    CHECK(checked("k", bad) == ErrorCode::invalid_tag);
  }
  CHECK(checked("", "v") == ErrorCode::invalid_tag);
  CHECK(checked("AWS:k", "v") == ErrorCode::invalid_tag);
  CHECK(checked("aws", "aws:v") == good);
}

TEST_CASE("tags: ten and no more, each key once") {
  std::vector<s3::store::Pair> tags;
  const std::string_view names = "abcdefghijk";
  for (std::size_t i = 0; i < 10; ++i) tags.push_back({names.substr(i, 1), "v"});
  TagSet ten;
  REQUIRE(ten.take(tags));
  CHECK(s3::count_tags(ten.packed()) == 10);
  tags[9].name = "a";
  CHECK(TagSet().take(tags).error().code == ErrorCode::invalid_tag);
  tags[9].name = "j";
  tags.push_back({"k", "v"});
  CHECK(TagSet().take(tags).error().code == ErrorCode::bad_request);
}

TEST_CASE("tags: the document, both ways") {
  std::string body =
      "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"> <TagSet>\n"
      "<Tag><Key>a&amp;b</Key><Value> x </Value></Tag><Tag><Value/><Key>e</Key></Tag>"
      "</TagSet></Tagging>";
  const auto pairs = s3::xml::parse_tagging(body);
  REQUIRE(pairs);
  REQUIRE(pairs->size() == 2);
  CHECK(((*pairs)[0].name == "a&b" && (*pairs)[0].value == " x "));
  CHECK(((*pairs)[1].name == "e" && (*pairs)[1].value.empty()));
  TagSet tags;
  const s3::store::Pair one[] = {{"k", "v"}};
  REQUIRE(tags.take(one));
  std::string written = s3::xml::tagging_document(tags.packed());
  const auto again = s3::xml::parse_tagging(written);
  REQUIRE((again && again->size() == 1));
  CHECK(((*again)[0].name == "k" && (*again)[0].value == "v"));
  for (std::string bad :
       {"<Tagging/>", "<Other><TagSet/></Other>", "<Tagging><TagSet/><TagSet/></Tagging>",
        "<Tagging><TagSet><Tag/></TagSet></Tagging>", "<Tagging><TagSet>x</TagSet></Tagging>",
        "<Tagging><TagSet><Tag><Key>a</Key><Key>a</Key><Value/></Tag></TagSet></Tagging>"}) {
    CAPTURE(bad);
    CHECK_FALSE(s3::xml::parse_tagging(bad));
  }
}
