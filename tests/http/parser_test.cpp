// Heads through scanner and parser: what is taken and what it is taken for, what is refused.
#include "http/parser.h"

#include "http/framing.h"
#include "tests/http/head_driver.h"
#include "tests/http/malformed_heads.h"

#include <doctest/doctest.h>

namespace millrace::http::test {
namespace {

struct Good {
  std::string_view bytes;
  Method method;
  std::string_view path;
  std::string_view query;
  std::string_view host;
  bool keep_alive = true;
};

constexpr auto good_heads = std::to_array<Good>({
    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/", "", "h"},
    {"HEAD /b/k HTTP/1.1\r\nHost: h:9000\r\n\r\n", Method::head, "/b/k", "", "h:9000"},
    {"PUT /b/k HTTP/1.1\r\nhost:h\r\nContent-Length: 0\r\n\r\n", Method::put, "/b/k", "", "h"},
    {"POST /b?delete HTTP/1.1\r\nHOST:   h  \r\n\r\n", Method::post, "/b", "delete", "h"},
    {"DELETE /b?a=b&c HTTP/1.1\r\nHost:\th\t\r\n\r\n", Method::delete_, "/b", "a=b&c", "h"},
    {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", Method::options, "*", "", "h"},
    {"OPTIONS /b HTTP/1.1\r\nHost: h\r\n\r\n", Method::options, "/b", "", "h"},
    {"PATCH /b HTTP/1.1\r\nHost: h\r\n\r\n", Method::other, "/b", "", "h"},
    {"PROPFIND /b HTTP/1.1\r\nHost: h\r\n\r\n", Method::other, "/b", "", "h"},
    {"GET / HTTP/1.0\r\n\r\n", Method::get, "/", "", "", false},
    {"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", Method::get, "/", "", "h"},
    {"GET / HTTP/1.0\r\nConnection: close, Keep-Alive\r\n\r\n", Method::get, "/", "", "", false},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", Method::get, "/", "", "h", false},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x , CLOSE\r\n\r\n", Method::get, "/", "", "h",
     false},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x\r\nConnection: close\r\n\r\n", Method::get, "/",
     "", "h", false},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: closed\r\n\r\n", Method::get, "/", "", "h"},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", Method::get, "/",
     "", "h"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", Method::get, "/", "", ""},
    {"GET / HTTP/1.1\r\nHost: [::1]:9000\r\n\r\n", Method::get, "/", "", "[::1]:9000"},
    {"GET / HTTP/1.1\r\nHost: [::ffff:10.0.0.1]\r\n\r\n", Method::get, "/", "",
     "[::ffff:10.0.0.1]"},
    {"GET / HTTP/1.1\r\nHost: h:\r\n\r\n", Method::get, "/", "", "h:"},
    {"GET / HTTP/1.1\r\nHost: My_Bucket.s3-x.example\r\n\r\n", Method::get, "/", "",
     "My_Bucket.s3-x.example"},
    {"GET //a//b/../c/. HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "//a//b/../c/.", "", "h"},
    {"GET /a%2Fb%20+ HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/a%2Fb%20+", "", "h"},
    {"GET /\xc3\xa9\xff HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/\xc3\xa9\xff", "", "h"},
    {"GET /|\"{}<>^`\\[]'~@:!$&()*,;= HTTP/1.1\r\nHost: h\r\n\r\n", Method::get,
     "/|\"{}<>^`\\[]'~@:!$&()*,;=", "", "h"},
    {"GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/a", "", "h"},
    {"GET /a?b?c HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/a", "b?c", "h"},
    {"GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/a", "b", "h"},
    {"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/", "", "h"},
    {"GET http://h?b HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/", "b", "h"},
    {"GET HTTP://H:80/a HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/a", "", "h"},
    {"GET https://h/a HTTP/1.1\r\nHost: h:443\r\n\r\n", Method::get, "/a", "", "h:443"},
    {"GET http://h:9000/a HTTP/1.1\r\nHost: h:9000\r\n\r\n", Method::get, "/a", "", "h:9000"},
    {"GET http://h/a HTTP/1.0\r\n\r\n", Method::get, "/a", "", "h", false},
    {"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", Method::get, "/", "", "h"},
    {"GET / HTTP/1.1\r\nHost: h\r\nX:\r\nY: \t \r\nZ: \xc3\xa9\ta:b \r\n\r\n", Method::get, "/", "",
     "h"},
});

TEST_CASE("parser: good heads are taken for what they are") {
  for (const Good& good : good_heads) {
    CAPTURE(good.bytes);
    Head head;
    const Outcome outcome = judge(good.bytes, head);
    CHECK_MESSAGE(outcome.status == 200, outcome.reason);
    if (outcome.status != 200) continue;
    CHECK(outcome.end == good.bytes.size());
    CHECK(head.method == good.method);
    CHECK(head.path == good.path);
    CHECK(head.query == good.query);
    CHECK(head.host == good.host);
    CHECK(head.keep_alive == good.keep_alive);
    CHECK_FALSE(head.chunked);
  }
}

TEST_CASE("parser: malformed heads are refused with their status") {
  static_assert(malformed_heads.size() >= 120);
  for (const Malformed& bad : malformed_heads) {
    CAPTURE(bad.bytes);
    const Outcome outcome = judge(bad.bytes);
    CHECK_MESSAGE(outcome.status == bad.status, outcome.reason);
  }
}

TEST_CASE("parser: the answer doesn't depend on where the bytes are split") {
  const auto same_everywhere = [](std::string_view bytes) {
    CAPTURE(bytes);
    const Outcome whole = judge(bytes);
    for (std::size_t split = 1; split < bytes.size(); ++split) {
      CHECK(judge_split(bytes, split) == whole);
    }
    CHECK(judge_bytewise(bytes) == whole);
  };
  for (const Good& good : good_heads) same_everywhere(good.bytes);
  for (const Malformed& bad : malformed_heads) same_everywhere(bad.bytes);
}

TEST_CASE("parser: fields come in order, trimmed, as views of the input") {
  const std::string_view bytes =
      "GET / HTTP/1.1\r\nHost: h\r\nX-A: one\r\nx-a:\ttwo \t\r\nEmpty:\r\nB: a: b\r\n\r\n";
  Head head;
  REQUIRE(judge(bytes, head).status == 200);
  REQUIRE(head.field_count == 5);
  CHECK(head.fields()[1].name == "X-A");
  CHECK(head.fields()[1].value == "one");
  CHECK(head.fields()[2].value == "two");
  CHECK(head.fields()[3].name == "Empty");
  CHECK(head.fields()[3].value.empty());
  CHECK(head.fields()[4].value == "a: b");
  CHECK(head.fields()[4].name.data() > bytes.data());
  CHECK(head.fields()[4].name.data() < bytes.data() + bytes.size());
  CHECK(head.value("x-a") == "one");
  CHECK(head.find("x-a") == &head.fields()[1]);
  CHECK(head.find("x-b") == nullptr);
  CHECK(head.value("x-b").empty());
}

TEST_CASE("parser: framing") {
  Head head;
  REQUIRE(judge("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n", head)
              .status == 200);
  CHECK(head.content_length == 18446744073709551615ULL);
  CHECK(head.has_body());
  // The same Head again: nothing of the request before may remain.
  REQUIRE(judge("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked \r\n"
                "Expect: 100-Continue\r\n\r\n",
                head)
              .status == 200);
  CHECK(head.chunked);
  CHECK(head.expect_continue);
  CHECK_FALSE(head.content_length.has_value());
  REQUIRE(
      judge("PUT / HTTP/1.0\r\nContent-Length: 007\r\nExpect: 100-continue\r\n\r\n", head).status ==
      200);
  CHECK(head.content_length == 7);
  CHECK_FALSE(head.chunked);
  CHECK_FALSE(head.expect_continue);
  CHECK_FALSE(head.keep_alive);
  CHECK(head.version_minor == 0);
  CHECK(head.field_count == 2);
  REQUIRE(judge("GET / HTTP/1.1\r\nHost: h\r\n\r\n", head).status == 200);
  CHECK_FALSE(head.has_body());
  CHECK_FALSE(head.content_length.has_value());
  CHECK(head.keep_alive);
  CHECK(head.version_minor == 1);
}

TEST_CASE("parser: pipelined heads are found one by one") {
  const std::string_view first = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string_view second = "\r\nDELETE /2 HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string_view third = "PUT /3 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
  const std::string all = std::string(first) + std::string(second) + std::string(third) + "abc";
  std::string_view rest = all;
  HeadScanner scanner;
  Head head;
  for (std::string_view path : {"/1", "/2", "/3"}) {
    const Outcome outcome = judge(scanner, rest, head);
    REQUIRE(outcome.status == 200);
    CHECK(head.path == path);
    rest.remove_prefix(outcome.end);
    scanner.reset();
  }
  CHECK(rest == "abc");
  CHECK(head.content_length == 3);
}

TEST_CASE("parser: decimal numbers") {
  CHECK(parse_decimal("0") == 0U);
  CHECK(parse_decimal("18446744073709551615") == 18446744073709551615ULL);
  for (std::string_view bad :
       {"", "18446744073709551616", "28446744073709551615", "-0", "1 ", "a"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_decimal(bad).has_value());
  }
}

}  // namespace
}  // namespace millrace::http::test
