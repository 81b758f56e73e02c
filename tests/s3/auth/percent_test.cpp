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
  RawQuery query("&a=1&&b&=c&d=e=f&");
  const std::pair<std::string_view, std::string_view> expected[] = {
      {"a", "1"}, {"b", ""}, {"", "c"}, {"d", "e=f"}};
  for (const auto& [name, value] : expected) {
    const auto parameter = query.next();
    REQUIRE(parameter.has_value());
    CHECK(parameter->name == name);
    CHECK(parameter->value == value);
  }
  CHECK_FALSE(query.next().has_value());
}

}  // namespace
}  // namespace millrace::s3
