// Heads of answers and chunked bodies, whole, in pieces, and wrong.
#include "bench/load/response_head.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace::bench;

namespace {

HeadState parse(std::string_view text, ResponseHead& head) {
  return parse_response_head(text, head);
}

std::string unchunk(std::string_view text, std::size_t piece, bool& ended, bool& malformed) {
  ChunkReader reader;
  std::string content;
  while (!text.empty() && !reader.ended() && !reader.malformed()) {
    const auto step = reader.take(text.substr(0, piece));
    content += step.content;
    text.remove_prefix(step.consumed);
  }
  ended = reader.ended();
  malformed = reader.malformed();
  return content;
}

}  // namespace

TEST_CASE("response head: what a server says") {
  constexpr std::string_view text =
      "HTTP/1.1 200 OK\r\nDate: now\r\nConTent-length:  4096 \r\nETag: \"abc-2\"\r\nServer: "
      "x\r\n\r\n";
  ResponseHead head;
  const std::string with_body = std::string(text) + "body";  // the head points into it
  REQUIRE(parse(with_body, head) == HeadState::complete);
  CHECK(head.status == 200);
  CHECK(head.bytes == text.size());
  CHECK(head.content_length == 4096);
  CHECK(head.etag == "\"abc-2\"");
  CHECK_FALSE(head.close);
  CHECK_FALSE(head.chunked);
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    CHECK(parse(text.substr(0, cut), head) == HeadState::incomplete);
  }
}

TEST_CASE("response head: when the connection ends") {
  ResponseHead head;
  REQUIRE(parse("HTTP/1.1 503 \r\nConnection: foo, Close\r\n\r\n", head) == HeadState::complete);
  CHECK(head.close);
  REQUIRE(parse("HTTP/1.0 200 OK\r\n\r\n", head) == HeadState::complete);
  CHECK(head.close);
  REQUIRE(parse("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n\r\n", head) == HeadState::complete);
  CHECK_FALSE(head.close);
  REQUIRE(parse("HTTP/1.1 404\r\n\r\n", head) == HeadState::complete);
  CHECK(head.status == 404);
}

TEST_CASE("response head: what no client may take") {
  ResponseHead head;
  for (const std::string_view text :
       {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n", "HTTP/1.1 200 OK\n\n", "\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nnothing\r\n\r\n",
        "HTTP/1.1 200 OK\r\nName : x\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n"}) {
    CAPTURE(text);
    CHECK(parse(text, head) == HeadState::malformed);
  }
}

TEST_CASE("response head: how bodies end") {
  const ResponseHead sized{.status = 200, .content_length = 5};
  CHECK(framing_of(sized, false) == Framing::length);
  CHECK(framing_of(sized, true) == Framing::none);
  CHECK(framing_of({.status = 200, .content_length = 0}, false) == Framing::none);
  CHECK(framing_of({.status = 204}, false) == Framing::none);
  CHECK(framing_of({.status = 304, .content_length = 5}, false) == Framing::none);
  CHECK(framing_of({.status = 200, .chunked = true}, false) == Framing::chunked);
  CHECK(framing_of({.status = 200}, false) == Framing::until_close);
}

TEST_CASE("chunk reader: whole and byte by byte") {
  constexpr std::string_view text = "5\r\nhello\r\nA;x=y\r\n, world!!!\r\n0\r\nT: u\r\n\r\nnext";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    bool ended = false;
    bool malformed = false;
    CHECK(unchunk(text, piece, ended, malformed) == "hello, world!!!");
    CHECK(ended);
  }
  ChunkReader reader;
  const auto step = reader.take("0\r\n\r\nnext");
  CHECK(reader.ended());
  CHECK(step.consumed == 5);
}

TEST_CASE("chunk reader: what is no chunk") {
  for (const std::string_view text :
       {"\r\n", "x\r\n", "5\nhello", "2\r\nabc\r\n", "2\r\nab\n", "fffffffffffffffff\r\n"}) {
    CAPTURE(text);
    bool ended = false;
    bool malformed = false;
    unchunk(text, text.size(), ended, malformed);
    CHECK(malformed);
    CHECK_FALSE(ended);
  }
}
