// Keys: decoding and its distinguishable errors; the rules for bucket names.
#include "s3/store/key.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace::s3::store;

namespace {
KeyError parse_error(std::string_view raw) {
  const auto key = Key::parse(raw);
  REQUIRE_FALSE(key.has_value());
  return key.error();
}
}  // namespace

TEST_CASE("a key is percent-decoded once, and a plus stays a plus") {
  CHECK(Key::parse("a%2Fb%20c+d%25%e2%82%ac")->view() == "a/b c+d%\xE2\x82\xAC");
  CHECK(Key::parse("/")->view() == "/");
  CHECK(Key::parse("%01%1f\x7f")->view() == "\x01\x1f\x7f");
  CHECK(*Key::parse("%61") == *Key::from_decoded("a"));
  CHECK_FALSE(*Key::parse("%2561") == *Key::from_decoded("a"));
}

TEST_CASE("each way to be no key has its own error") {
  CHECK(parse_error("") == KeyError::empty);
  for (const char* raw : {"%", "a%", "a%4", "%4g", "%g4", "%%41", "% 41", "%-1"}) {
    CAPTURE(raw);
    CHECK(parse_error(raw) == KeyError::malformed_escape);
  }
  CHECK(parse_error("a%00b") == KeyError::nul);
  CHECK(parse_error(std::string_view("a\0b", 3)) == KeyError::nul);
  CHECK(parse_error(std::string(1025, 'a')) == KeyError::too_long);
  CHECK(Key::from_decoded("").error() == KeyError::empty);
  CHECK(Key::from_decoded(std::string_view("\0", 1)).error() == KeyError::nul);
  CHECK(Key::from_decoded(std::string(1025, 'a')).error() == KeyError::too_long);
  CHECK(Key::from_decoded("\xFF").error() == KeyError::invalid_utf8);
}

TEST_CASE("the limit of 1,024 bytes counts decoded bytes") {
  std::string raw;
  for (int i = 0; i < 1024; ++i) raw += "%41";
  CHECK(Key::parse(raw)->view() == std::string(1024, 'A'));
  CHECK(parse_error(raw + "B") == KeyError::too_long);
}

TEST_CASE("UTF-8 is checked strictly") {
  for (const char* good : {"\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "plain"}) {
    CHECK(utf8_valid(good));
  }
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xE0\x9F\xBF", "\xE0\xA0", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82\x41", "a\xFE"}) {
    CAPTURE(bad);
    CHECK_FALSE(utf8_valid(bad));
    CHECK(parse_error(bad) == KeyError::invalid_utf8);
  }
  CHECK(parse_error("%ff") == KeyError::invalid_utf8);
}

TEST_CASE("bucket names follow AWS's rules") {
  const std::string longest(63, 'b');
  for (const std::string_view good :
       {std::string_view("abc"), std::string_view("a.b"), std::string_view("0-9"),
        std::string_view("my-bucket.example.org"), std::string_view("1.2.3"),
        std::string_view("1.2.3.4.5"), std::string_view("1.2.3.1234"), std::string_view("a--b"),
        std::string_view("xn-a"), std::string_view(longest)}) {
    CAPTURE(good);
    CHECK(bucket_name_valid(good));
  }
  const std::string over(64, 'b');
  for (const std::string_view bad : {std::string_view(""),
                                     std::string_view("ab"),
                                     std::string_view(over),
                                     std::string_view("Abc"),
                                     std::string_view("a_b"),
                                     std::string_view(".ab"),
                                     std::string_view("ab."),
                                     std::string_view("-ab"),
                                     std::string_view("ab-"),
                                     std::string_view("a..b"),
                                     std::string_view("192.168.0.1"),
                                     std::string_view("999.1.1.1"),
                                     std::string_view("xn--abc"),
                                     std::string_view("sthree-abc"),
                                     std::string_view("amzn-s3-demo-abc"),
                                     std::string_view("abc-s3alias"),
                                     std::string_view("abc--ol-s3"),
                                     std::string_view("abc.mrap"),
                                     std::string_view("abc--x-s3"),
                                     std::string_view("abc--table-s3"),
                                     std::string_view("a/b"),
                                     std::string_view(".millrace"),
                                     std::string_view(".mr.sys"),
                                     std::string_view("a b"),
                                     std::string_view("b\xC3\xA9"
                                                      "b")}) {
    CAPTURE(bad);
    CHECK_FALSE(bucket_name_valid(bad));
  }
}
