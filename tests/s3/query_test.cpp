// What handlers read of a query's values: decoding, numbers.
#include "s3/query.h"

#include <doctest/doctest.h>

#include <array>
#include <string_view>

using namespace millrace::s3;

TEST_CASE("decoding") {
  std::array<char, 16> buffer;
  CHECK(decode("a%2Fb%2fc", buffer, UriPart::query).value() == "a/b/c");
  CHECK(decode("a+b%2B", buffer, UriPart::query).value() == "a b+");
  CHECK(decode("a+b%20c", buffer, UriPart::path).value() == "a+b c");
  CHECK(decode("%00", buffer, UriPart::query).value() == std::string_view("\0", 1));
  CHECK(decode("%2525", buffer, UriPart::query).value() == "%25");
  for (const std::string_view broken : {"%", "%4", "a%zz", "%4g", "abc%", "%%41"}) {
    CAPTURE(broken);
    const auto decoded = decode(broken, buffer, UriPart::query);
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == ErrorCode::invalid_uri);
  }
  const std::string_view plain = "nothing-to-do";
  CHECK(decode(plain, {}, UriPart::query).value().data() == plain.data());
}

TEST_CASE("the arena keeps earlier values") {
  std::array<char, 8> buffer;
  DecodeArena arena(buffer);
  const auto first = arena.decode("%41%42", UriPart::query);
  const auto plain = arena.decode("xyz", UriPart::query);
  const auto second = arena.decode("%43+", UriPart::query);
  CHECK(first.value() == "AB");
  CHECK(plain.value() == "xyz");
  CHECK(second.value() == "C ");
  CHECK(arena.copy("1234") == "1234");
  CHECK(first.value() == "AB");
}

TEST_CASE("numbers are digits and nothing else") {
  CHECK(parse_decimal("0", 10) == 0);
  CHECK(parse_decimal("10", 10) == 10);
  CHECK(parse_decimal("0007", 10) == 7);
  CHECK(parse_decimal("18446744073709551615", ~0ull) == ~0ull);
  for (const char* bad :
       {"", "11", "-1", "+1", " 1", "1 ", "0x1", "1.0", "99999999999999999999999"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_decimal(bad, 10).has_value());
  }
  CHECK_FALSE(parse_decimal("18446744073709551616", ~0ull).has_value());
  CHECK_FALSE(parse_decimal("5", 3).has_value());
}
