// The response head writer: what it writes, what it refuses, and that it never writes beyond.
#include "http/response_head.h"

#include "http/reason.h"

#include <doctest/doctest.h>
#include <array>
#include <string>
#include <vector>

namespace millrace::http {
namespace {

using namespace std::string_view_literals;
using engine::Errc;

TEST_CASE("response head: a whole one") {
  std::array<char, 512> buffer;
  HeadWriter writer(buffer);
  REQUIRE(writer.status(206));
  REQUIRE(writer.field("Content-Length", std::uint64_t{10}));
  REQUIRE(writer.field("x-amz-meta-a", " \tgr\xc3\xbc\xc3\x9f\t e "));
  REQUIRE(writer.field("Empty", ""));
  REQUIRE(writer.etag("abc-2"));
  REQUIRE(writer.content_range(5, 10, 100));
  const auto head = writer.finish();
  REQUIRE(head);
  CHECK(*head ==
        "HTTP/1.1 206 Partial Content\r\n"
        "Content-Length: 10\r\n"
        "x-amz-meta-a: gr\xc3\xbc\xc3\x9f\t e\r\n"
        "Empty: \r\n"
        "ETag: \"abc-2\"\r\n"
        "Content-Range: bytes 5-14/100\r\n"
        "\r\n");
  CHECK(head->data() == buffer.data());
  CHECK(writer.size() == head->size());
}

TEST_CASE("response head: an interim response and an unsatisfied range") {
  std::array<char, 128> buffer;
  HeadWriter interim(buffer);
  REQUIRE(interim.status(100));
  CHECK(*interim.finish() == "HTTP/1.1 100 Continue\r\n\r\n");
  HeadWriter unsatisfied(buffer);
  REQUIRE(unsatisfied.status(416));
  REQUIRE(unsatisfied.content_range_unsatisfied(~std::uint64_t{0}));
  CHECK(*unsatisfied.finish() ==
        "HTTP/1.1 416 Range Not Satisfiable\r\n"
        "Content-Range: bytes */18446744073709551615\r\n\r\n");
}

TEST_CASE("response head: fields that would split the response are refused whole") {
  std::array<char, 256> buffer;
  HeadWriter writer(buffer);
  REQUIRE(writer.status(200));
  const std::size_t before = writer.size();
  for (std::string_view bad : {"a\r\nb"sv, "a\rb"sv, "a\nb"sv, "a\0b"sv, "\0"sv, "\r"sv, "\n"sv,
                               "a\x0b"sv, "a\x7f"sv, "\x1b[0m"sv, "a\r\n"sv}) {
    const auto written = writer.field("X", bad);
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Errc::malformed);
    CHECK_FALSE(writer.etag(bad));
  }
  for (std::string_view bad : {""sv, "X Y"sv, "X:"sv, "X\r\n"sv, "X\0"sv, "\xc3\xa9"sv}) {
    const auto written = writer.field(bad, "v");
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Errc::malformed);
  }
  CHECK_FALSE(writer.etag("a\"b"));
  CHECK(writer.size() == before);
  REQUIRE(writer.field("X", "y"));
  CHECK(*writer.finish() == "HTTP/1.1 200 OK\r\nX: y\r\n\r\n");
}

TEST_CASE("response head: a buffer of any size is never overrun") {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\nX: y\r\n\r\n";
  for (std::size_t size = 0; size <= whole.size() + 2; ++size) {
    std::vector<char> exact(size);  // the sanitizer watches its end
    HeadWriter writer(exact);
    const bool status = writer.status(200).has_value();
    const bool length = writer.field("Content-Length", ~std::uint64_t{0}).has_value();
    const bool last = writer.field("X", "y").has_value();
    const auto head = writer.finish();
    CAPTURE(size);
    CHECK(head.has_value() == (size >= whole.size()));
    if (head) {
      CHECK((status && length && last));
      CHECK(*head == whole);
    } else {
      CHECK(head.error().code == Errc::too_large);
    }
  }
}

// A short field must not slip in after a longer one was left out for lack of room.
TEST_CASE("response head: once full, always full") {
  std::array<char, 32> buffer;
  HeadWriter writer(buffer);
  REQUIRE(writer.status(200));
  CHECK_FALSE(writer.field("Long", "0123456789012345678901234567890123456789"));
  CHECK_FALSE(writer.field("X", "y"));
  CHECK_FALSE(writer.finish());
}

TEST_CASE("response head: numbers and phrases") {
  std::array<char, 20> digits;
  CHECK(format_decimal(0, digits) == "0");
  CHECK(format_decimal(10, digits) == "10");
  CHECK(format_decimal(~std::uint64_t{0}, digits) == "18446744073709551615");
  CHECK(reason_phrase(404) == "Not Found");
  CHECK(reason_phrase(418) == "Client Error");
  CHECK(reason_phrase(299) == "Success");
  CHECK(reason_phrase(599) == "Server Error");
}

}  // namespace
}  // namespace millrace::http
