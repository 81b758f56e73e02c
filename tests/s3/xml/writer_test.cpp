// The XML writer: escapes, encodings, dates.
#include "s3/xml/writer.h"

#include <doctest/doctest.h>

#include <ctime>
#include <random>
#include <string>

using namespace millrace::s3::xml;

namespace {
std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}
std::string url_encoded(std::string_view text) {
  std::string out;
  append_url_encoded(out, text);
  return out;
}
std::string time_text(std::int64_t unix_ms) {
  std::string out;
  append_time(out, unix_ms);
  return out;
}
}  // namespace

TEST_CASE("a document") {
  std::string out;
  Writer writer(out);
  writer.open_root("R");
  writer.text("T", "a<b");
  writer.open("O");
  writer.number("N", 18446744073709551615ull);
  writer.boolean("B", false);
  writer.close();
  writer.etag("ETag", "abc-2");
  writer.key("K", "a b/<", KeyEncoding::url);
  writer.key("K", "a b/<", KeyEncoding::plain);
  writer.time("D", 0);
  writer.raw("<X/>");
  writer.close();
  CHECK(out ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><T>a&lt;b</T>"
        "<O><N>18446744073709551615</N><B>false</B></O><ETag>&quot;abc-2&quot;</ETag>"
        "<K>a+b/%3C</K><K>a b/&lt;</K><D>1970-01-01T00:00:00.000Z</D><X/></R>");
}

TEST_CASE("escaping") {
  CHECK(escaped("plain ~ text") == "plain ~ text");
  CHECK(escaped("<&>\"'") == "&lt;&amp;&gt;&quot;&apos;");
  CHECK(escaped(std::string_view("\0\x01\t\n\r\x1f\x7f", 7)) ==
        "&#x0;&#x1;&#x9;&#xA;&#xD;&#x1F;\x7f");
  CHECK(escaped("\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80") == "\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80");
  CHECK(escaped("\xef\xbf\xbe\xef\xbf\xbf") == "&#xFFFE;&#xFFFF;");
  CHECK(escaped("\xef\xbf\xbd") == "\xef\xbf\xbd");
}

TEST_CASE("bytes that are not UTF-8 are replaced one by one") {
  const std::string r = "\xef\xbf\xbd";
  CHECK(escaped("a\xff<") == "a" + r + "&lt;");
  CHECK(escaped("\xc3") == r);
  CHECK(escaped("\xe2\x98") == r + r);
  CHECK(escaped("\xc0\xaf") == r + r);                  // overlong
  CHECK(escaped("\xe0\x80\xaf") == r + r + r);          // overlong
  CHECK(escaped("\xed\xa0\x80") == r + r + r);          // surrogate
  CHECK(escaped("\xf4\x90\x80\x80") == r + r + r + r);  // beyond U+10FFFF
}

TEST_CASE("url encoding keeps the slash") {
  CHECK(url_encoded("a/b-c_d.e*f~") == "a/b-c_d.e*f%7E");
  CHECK(url_encoded("x y+z%") == "x+y%2Bz%25");
  CHECK(url_encoded("\xc3\xa9\x01") == "%C3%A9%01");
}

TEST_CASE("dates agree with the C library") {
  CHECK(time_text(1255369830123) == "2009-10-12T17:50:30.123Z");
  CHECK(time_text(951782400000) == "2000-02-29T00:00:00.000Z");
  CHECK(time_text(-1) == "1969-12-31T23:59:59.999Z");
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    // Years 1 to 9999.
    const auto span = static_cast<std::uint64_t>(253402300799) + 62135596800ull;
    const auto seconds = static_cast<std::int64_t>(random() % span) - 62135596800;
    const std::time_t time = seconds;
    std::tm parts{};
    gmtime_r(&time, &parts);
    char expected[40];
    const auto length = std::strftime(expected, sizeof expected, "-%m-%dT%H:%M:%S.007Z", &parts);
    std::string year = std::to_string(parts.tm_year + 1900);
    year.insert(0, 4 - year.size(), '0');
    CHECK(time_text(seconds * 1000 + 7) == year + std::string(expected, length));
  }
}
