// Both formats of a request's time.
#include "s3/auth/amz_time.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace::s3 {
namespace {

std::string format(std::int64_t seconds) {
  const auto text = format_amz_time(seconds);
  return {text.data(), text.size()};
}

TEST_CASE("amz time: both formats") {
  CHECK(parse_amz_time("20130524T000000Z") == 1'369'353'600);
  CHECK(parse_http_time("Fri, 24 May 2013 00:00:00 GMT") == 1'369'353'600);
  CHECK(parse_http_time("Sun, 06 Nov 1994 08:49:37 GMT") == 784'111'777);
  CHECK(parse_amz_time("19700101T000000Z") == 0);
  CHECK(parse_amz_time("20240229T235959Z") == 1'709'251'199);
}

TEST_CASE("amz time: round trip") {
  for (std::int64_t seconds = -2'000'000'000; seconds < 20'000'000'000; seconds += 86'398'761)
    CHECK(parse_amz_time(format(seconds)) == seconds);
  CHECK(format(1'369'353'600) == "20130524T000000Z");
}

TEST_CASE("amz time: what is refused") {
  for (std::string_view bad :
       {"", "20130524T000000", "20130524T000000Z ", "20130524t000000Z", "20130524T000000z",
        "2013-05-24T00:00Z", "20130024T000000Z", "20131324T000000Z", "20130532T000000Z",
        "20130229T000000Z", "20130524T240000Z", "20130524T006000Z", "20130524T000060Z",
        "2013052 T000000Z", "+0130524T000000Z"})
    CHECK_MESSAGE(!parse_amz_time(bad).has_value(), bad);
  for (std::string_view bad : {"", "Fri, 24 May 2013 00:00:00 UTC", "Fri, 24 may 2013 00:00:00 GMT",
                               "Fri, 24 ayJ 2013 00:00:00 GMT", "Fro, 24 May 2013 00:00:00 GMT",
                               "Fri, 32 May 2013 00:00:00 GMT", "Friday, 24-May-13 00:00:00 GMT",
                               "Fri May 24 00:00:00 2013", "Fri, 24 May 2013 00:00:0  GMT"})
    CHECK_MESSAGE(!parse_http_time(bad).has_value(), bad);
}

}  // namespace
}  // namespace millrace::s3
