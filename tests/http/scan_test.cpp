// The head scanner's limits and its memory of where it stopped.
#include "http/scan.h"

#include "http/limits.h"
#include "tests/http/head_driver.h"

#include <doctest/doctest.h>

namespace millrace::http::test {
namespace {

constexpr std::string_view host_line = "Host: h\r\n";

std::string head_with_line(std::size_t line_bytes) {
  std::string line = "GET /";
  line.append(line_bytes - line.size() - std::string_view(" HTTP/1.1").size(), 'a');
  return line + " HTTP/1.1\r\n" + std::string(host_line) + "\r\n";
}

std::string head_with_field(std::size_t field_bytes) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  head.append(field_bytes - 3, 'v');
  return head + "\r\n\r\n";
}

std::string head_of(std::size_t bytes) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  while (bytes - head.size() > 6000) {
    head += "X: ";
    head.append(5000, 'v');
    head += "\r\n";
  }
  head += "Y: ";
  head.append(bytes - head.size() - 4, 'v');
  return head + "\r\n\r\n";
}

std::string head_with_fields(std::size_t count) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (std::size_t i = 1; i < count; ++i) head += "X: y\r\n";
  return head + "\r\n";
}

TEST_CASE("scan: each limit holds to the byte") {
  CHECK(judge(head_with_line(limits::request_line_bytes_max)).status == 200);
  CHECK(judge(head_with_line(limits::request_line_bytes_max + 1)).status == 414);
  CHECK(judge(head_with_field(limits::field_bytes_max)).status == 200);
  CHECK(judge(head_with_field(limits::field_bytes_max + 1)).status == 431);
  CHECK(head_of(limits::head_bytes_max).size() == limits::head_bytes_max);
  CHECK(judge(head_of(limits::head_bytes_max)).status == 200);
  CHECK(judge("\r\n" + head_of(limits::head_bytes_max)).status == 200);
  CHECK(judge(head_of(limits::head_bytes_max + 1)).status == 431);
  CHECK(judge(head_of(limits::head_bytes_max + 4)).status == 431);
  CHECK(judge(head_with_fields(limits::field_count_max)).status == 200);
  CHECK(judge(head_with_fields(limits::field_count_max + 1)).status == 431);
}

TEST_CASE("scan: oversized heads are refused before they end") {
  CHECK(judge("GET /" + std::string(limits::request_line_bytes_max, 'a')).status == 414);
  CHECK(judge("GET / HTTP/1.1\r\nX: " + std::string(limits::field_bytes_max, 'a')).status == 431);
  CHECK(judge(std::string(limits::request_line_bytes_max, 'a')).status == 0);
}

TEST_CASE("scan: limits answer the same however the bytes are split") {
  const std::string cases[] = {
      head_with_line(limits::request_line_bytes_max + 1),
      head_with_line(limits::request_line_bytes_max + 9) + "\x01",
      head_with_field(limits::field_bytes_max + 1),
      head_with_field(limits::field_bytes_max),
      head_of(limits::head_bytes_max),
      head_of(limits::head_bytes_max + 1),
      head_of(limits::head_bytes_max + 2),
      head_of(limits::head_bytes_max + 3),
      head_of(limits::head_bytes_max + 5000),
      head_with_fields(limits::field_count_max + 1),
      "GET / HTTP/1.1\r\nX: " + std::string(limits::field_bytes_max, 'a') + "\n",
      "GET /" + std::string(limits::request_line_bytes_max, 'a') + "\x7f",
  };
  for (const std::string& bytes : cases) {
    const Outcome whole = judge(bytes);
    CHECK(judge_bytewise(bytes) == whole);
    for (std::size_t split = 1; split < bytes.size(); split += 37) {
      CHECK(judge_split(bytes, split) == whole);
    }
  }
}

// Every control byte at every place of a block of 16, so that the vector path and the byte loop
// at its end are both seen to find it.
TEST_CASE("scan: a control byte is found wherever it stands") {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t place = 0; place < 40; ++place) {
      std::string value(40, 'v');
      value[place] = static_cast<char>(byte);
      const std::string head = "GET / HTTP/1.1\r\nHost: h\r\nX: " + value + "\r\n\r\n";
      const bool bad = (byte < 0x20 && byte != '\t') || byte == 0x7f;
      CAPTURE(byte);
      CAPTURE(place);
      CHECK(judge(head).status == (bad ? 400 : 200));
    }
  }
}

// A line that is over both limits when first seen whole: the limit passed first must decide, as
// it does when the bytes come singly.
TEST_CASE("scan: two limits passed at once") {
  const std::string long_field = "X: " + std::string(40'000, 'v');
  const std::string early = "GET / HTTP/1.1\r\nHost: h\r\n" + long_field;
  const std::string late =
      head_of(limits::head_bytes_max - 2000).substr(0, limits::head_bytes_max - 2002) + long_field;
  CHECK(judge(early).reason == "field too large");
  CHECK(judge(late).reason == "head too large");
  CHECK(judge_bytewise(early) == judge(early));
  CHECK(judge_bytewise(late) == judge(late));
}

// Rules that the parser would enforce as well: here the scanner alone.
TEST_CASE("scan: malformed lines are stopped by the scanner itself") {
  for (std::string_view lines : {"Host : h\r\n", "Host\t: h\r\n", " Host: h\r\n", "\tX: y\r\n",
                                 "X: y\r\n z\r\n", "X: y\r\n : z\r\n", "X\r\n", ": y\r\n"}) {
    CAPTURE(lines);
    HeadScanner scanner;
    const auto extent = scanner.scan("GET / HTTP/1.1\r\n" + std::string(lines) + "\r\n");
    REQUIRE_FALSE(extent);
    CHECK(extent.error().status == 400);
  }
}

TEST_CASE("scan: the extent leaves out a skipped line and what follows the head") {
  HeadScanner scanner;
  const auto extent = scanner.scan("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\nbody");
  REQUIRE(extent);
  REQUIRE(extent->complete());
  CHECK(extent->begin == 2);
  CHECK(extent->end == 29);
  scanner.reset();
  const auto partial = scanner.scan("GET / HTTP/1.1\r\nHost: h\r\n\r");
  REQUIRE(partial);
  CHECK_FALSE(partial->complete());
  scanner.reset();
  const auto nothing = scanner.scan("");
  REQUIRE(nothing);
  CHECK_FALSE(nothing->complete());
}

}  // namespace
}  // namespace millrace::http::test
