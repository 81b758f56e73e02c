// HTTP dates: against the C library's calendar, in all three forms, and what is no date.
#include "http/date.h"

#include <doctest/doctest.h>
#include <array>
#include <ctime>
#include <string>

namespace millrace::http {
namespace {

std::string text_of(std::int64_t seconds) {
  std::array<char, http_date_bytes> out;
  return std::string(http_date(seconds, out));
}

std::string reference(std::int64_t seconds, const char* format) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 64> out{};
  const std::size_t size = std::strftime(out.data(), out.size(), format, &parts);
  return std::string(out.data(), size);
}

constexpr std::int64_t now = 1'750'000'000;  // 2025-06-15

TEST_CASE("date: known moments") {
  CHECK(text_of(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(text_of(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(text_of(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(text_of(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(text_of(4107542400) == "Mon, 01 Mar 2100 00:00:00 GMT");
  CHECK(text_of(253402300799) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(text_of(253402300800) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(text_of(std::int64_t{1} << 62) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(text_of(-62167219200) == "Sat, 01 Jan 0000 00:00:00 GMT");
  CHECK(text_of(-(std::int64_t{1} << 62)) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST_CASE("date: round trips agree with the C library") {
  // A step without a common factor with a day walks through all times of day and weekdays.
  for (std::int64_t seconds = -62'000'000'000; seconds < 253'000'000'000; seconds += 31'415'927) {
    const std::string text = text_of(seconds);
    CHECK(parse_http_date(text, now) == seconds);
    if (seconds < -30'000'000'000) continue;  // strftime doesn't pad years below 1000
    REQUIRE(text == reference(seconds, "%a, %d %b %Y %H:%M:%S GMT"));
    CHECK(parse_http_date(reference(seconds, "%a %b %e %H:%M:%S %Y"), now) == seconds);
  }
  for (std::int64_t seconds = 0; seconds < 4'000'000'000; seconds += 86'400) {
    REQUIRE(text_of(seconds) == reference(seconds, "%a, %d %b %Y %H:%M:%S GMT"));
  }
}

TEST_CASE("date: RFC 850 and its two-digit years") {
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now) == 784111777);
  for (std::int64_t seconds = now - 49LL * 31'556'952; seconds < now + 49LL * 31'556'952;
       seconds += 7'777'777) {
    CHECK(parse_http_date(reference(seconds, "%A, %d-%b-%y %H:%M:%S GMT"), now) == seconds);
  }
  // Seen from 2025: 75 is 50 years ahead and stays there, 76 would be 51 and is past.
  CHECK(parse_http_date("Tuesday, 01-Jan-75 00:00:00 GMT", now) == 3313526400);
  CHECK(parse_http_date("Thursday, 01-Jan-76 00:00:00 GMT", now) == 189302400);
  // Seen from 2098, 10 is 2110.
  CHECK(parse_http_date("Wednesday, 01-Jan-10 00:00:00 GMT", 4042200000) == 4417977600);
}

TEST_CASE("date: asctime, leap seconds and days of other names") {
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994", now) == 784111777);
  CHECK(parse_http_date("Wed Nov 16 08:49:37 1994", now) == 784975777);
  CHECK(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", now) == 1483228799);
  CHECK(parse_http_date("Mon, 06 Nov 1994 08:49:37 GMT", now) == 784111777);
}

TEST_CASE("date: what is no date") {
  for (std::string_view bad : {"",
                               "0",
                               "784111777",
                               "Sun",
                               "Sun, 06 Nov 1994 08:49:37",
                               "Sun, 06 Nov 1994 08:49:37 UTC",
                               "Sun, 06 Nov 1994 08:49:37 gmt",
                               "Sun, 06 Nov 1994 08:49:37 GMT ",
                               " Sun, 06 Nov 1994 08:49:37 GMT",
                               "sun, 06 Nov 1994 08:49:37 GMT",
                               "Sun, 06 nov 1994 08:49:37 GMT",
                               "Sun, 6 Nov 1994 08:49:37 GMT",
                               "Sun, 06 Nov 94 08:49:37 GMT",
                               "Xyz, 06 Nov 1994 08:49:37 GMT",
                               "Sun, 06 Xyz 1994 08:49:37 GMT",
                               "Sun, 00 Nov 1994 08:49:37 GMT",
                               "Sun, 31 Nov 1994 08:49:37 GMT",
                               "Sun, 29 Feb 1994 08:49:37 GMT",
                               "Sun, 29 Feb 1900 08:49:37 GMT",
                               "Sun, 06 Nov 1994 24:00:00 GMT",
                               "Sun, 06 Nov 1994 23:60:00 GMT",
                               "Sun, 06 Nov 1994 23:59:61 GMT",
                               "Sun, 06 Nov 1994 8:49:37 GMT0",
                               "Sun, 06-Nov-1994 08:49:37 GMT",
                               "Sunday, 06 Nov 1994 08:49:37 GMT",
                               "Sun Nov 6 08:49:37 1994",
                               "Sun Nov  6 08:49:37 94",
                               "Sun Nov  6 08:49:37 1994 GMT",
                               "Sunday, 31-Feb-94 08:49:37 GMT",
                               "Sun, +6 Nov 1994 08:49:37 GMT",
                               "1994-11-06T08:49:37Z",
                               "Sunday",
                               "Sunday, "}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad, now).has_value());
  }
}

TEST_CASE("date: the cache follows the clock") {
  DateCache cache;
  CHECK(cache.at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(cache.at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(cache.at(1) == "Thu, 01 Jan 1970 00:00:01 GMT");
  CHECK(cache.at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace millrace::http
