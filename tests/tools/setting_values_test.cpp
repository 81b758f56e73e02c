// Numbers, fractions and sizes as people write them, and what is none.
#include "tools/setting_values.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <utility>

using namespace millrace::tools;

TEST_CASE("whole numbers within their bounds") {
  CHECK(parse_whole_number("7", 0, 7) == 7);
  CHECK(parse_whole_number("007", 0, 7) == 7);
  for (const char* text : {"", "8", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_whole_number(text, 0, 7).has_value());
  }
}

TEST_CASE("fractions within their bounds") {
  CHECK(parse_fraction("0.95", 0.01, 1) == doctest::Approx(0.95));
  CHECK(parse_fraction(".5", 0.01, 1) == doctest::Approx(0.5));
  CHECK(parse_fraction("1", 0.01, 1) == 1.0);
  for (const char* text : {"", ".", "0", "1.01", "-0.5", "5e-1", "nan", "inf", "0.5.5", "0,5"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_fraction(text, 0.01, 1).has_value());
  }
}

TEST_CASE("sizes in powers of 1024") {
  constexpr std::uint64_t most = 1ULL << 50;
  for (const auto& [text, bytes] :
       std::initializer_list<std::pair<const char*, std::uint64_t>>{{"1", 1},
                                                                    {"512B", 512},
                                                                    {"4K", 4096},
                                                                    {"4KiB", 4096},
                                                                    {"512M", 512ULL << 20},
                                                                    {"16G", 16ULL << 30},
                                                                    {"16GB", 16ULL << 30},
                                                                    {"1024T", most}}) {
    CAPTURE(text);
    CHECK(parse_size(text, 1, most) == bytes);
  }
  for (const char* text : {"", "0", "K", "iB", "B", "5iB", "1.5G", "-1M", "1025T", "4k", "4 M",
                           "99999999999999999999T"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text, 1, most).has_value());
  }
}
