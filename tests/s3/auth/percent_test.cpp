// Percent-decoding and query cutting.
#include "s3/auth/percent.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace millrace::s3 {
namespace {

TEST_CASE("percent: decode") {
  std::array<char, 16> room;
  CHECK(percent_decode("a%2Fb+c%00", UriPart::path, room) == std::string_view("a/b+c\0", 6));
  CHECK(percent_decode("a%2fb+c", UriPart::query, room) == "a/b c");
  CHECK(percent_decode("%252F", UriPart::query, room) == "%2F");
  CHECK(percent_decode("", UriPart::query, room) == "");
  CHECK(percent_decode("%41%41", UriPart::path, std::span(room).first(2)) == "AA");
  CHECK_FALSE(percent_decode("%41%41A", UriPart::path, std::span(room).first(2)).has_value());
}

TEST_CASE("percent: validity") {
  for (std::string_view good : {"", "a", "%00", "%fF%20", "a%25"}) CHECK(percent_valid(good));
  for (std::string_view bad : {"%", "%1", "a%", "%%20", "%2", "%g0", "%0g", "%20%"})
    CHECK_FALSE(percent_valid(bad));
}

TEST_CASE("percent: decodes_to") {
  CHECK(decodes_to("X%2DAmz", "X-Amz", Case::exact));
  CHECK(decodes_to("X-aMZ", "x-amz", Case::ignored));
  CHECK_FALSE(decodes_to("X-aMZ", "x-amz", Case::exact));
  CHECK_FALSE(decodes_to("X-Amz", "X-Amz2", Case::exact));
  CHECK_FALSE(decodes_to("X-Amz2", "X-Amz", Case::exact));
  CHECK(decodes_to("a+b", "a b", Case::exact));
}

TEST_CASE("percent: queries") {
  const QueryParameters query("&a=1&&b&=c&d=e=f&");
  const std::pair<std::string_view, std::string_view> expected[] = {
      {"a", "1"}, {"b", ""}, {"", "c"}, {"d", "e=f"}};
  REQUIRE(query.size() == std::size(expected));
  std::size_t at = 0;
  for (const RawParameter parameter : query) {
    CHECK(parameter.name == expected[at].first);
    CHECK(parameter.value == expected[at].second);
    CHECK_FALSE(parameter.name_encoded);
    ++at;
  }
  CHECK(QueryParameters("").size() == 0);
  CHECK(QueryParameters("&&").size() == 0);
  CHECK(QueryParameters("a+=1")[0].name_encoded);
  CHECK(QueryParameters("%61=+")[0].name_encoded);
  CHECK_FALSE(QueryParameters("a=%61+")[0].name_encoded);
}

TEST_CASE("percent: a query with too many parameters holds none") {
  std::string query;
  for (std::size_t i = 0; i < query_parameters_max; ++i) query += "a&";
  CHECK(QueryParameters(query).whole());
  CHECK(QueryParameters(query).size() == query_parameters_max);
  query += "a";
  CHECK_FALSE(QueryParameters(query).whole());
  CHECK(QueryParameters(query).size() == 0);
  CHECK(QueryParameters(std::string(32'767, 'a')).whole());
  CHECK_FALSE(QueryParameters(std::string(32'768, 'a')).whole());
  CHECK(QueryParameters("a=" + std::string(32'765, 'v'))[0].value.size() == 32'765);
}

TEST_CASE("percent: looking for a parameter") {
  const auto find = [](const char* query, std::string_view name) {
    return QueryParameters(query).find(name);
  };
  CHECK(find("a=1&uploadId=u&uploadId=v", "uploadId")->value == "u");
  CHECK(find("upload%49d=u", "uploadId")->value == "u");
  CHECK(find("list%2Dtype=2", "list-type")->value == "2");
  CHECK_FALSE(find("UploadId=u", "uploadId").has_value());
  CHECK_FALSE(find("uploadIdx=u&uploadI=v", "uploadId").has_value());
  CHECK_FALSE(find("uploadI%6=u", "uploadId").has_value());
  CHECK(find("acl", "acl")->value.empty());
}

TEST_CASE("percent: what a name may begin with") {
  CHECK(QueryParameters("x=1&response-expires=2").may_begin_with('r'));
  CHECK(QueryParameters("%72esponse-expires=2").may_begin_with('r'));
  CHECK(QueryParameters("response%2Dexpires=2").may_begin_with('r'));
  CHECK_FALSE(QueryParameters("X-Amz-Date=r&x=response-").may_begin_with('r'));
}

}  // namespace
}  // namespace millrace::s3
