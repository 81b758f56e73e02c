// Requests built so that a proxy in front and this server would see different requests. Each is
// refused as a whole; none may be taken with either reading of its body's length.
#include "tests/http/head_driver.h"

#include <doctest/doctest.h>
#include <array>

namespace millrace::http::test {
namespace {

using namespace std::string_view_literals;

struct Attack {
  std::string_view fields;  // after "POST / HTTP/1.1" and Host, each with its CR LF
  int status;
};

constexpr auto attacks = std::to_array<Attack>({
    // Both framings: CL.TE and TE.CL.
    {"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"sv, 400},
    {"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"sv, 400},
    {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"sv, 400},
    {"content-length: 6\r\ntransfer-encoding: CHUNKED\r\n"sv, 400},
    {"Content-Length: 6\r\nTransfer-Encoding: identity\r\n"sv, 400},
    {"Content-Length: 6\r\nTransfer-Encoding:\r\n"sv, 400},
    {"Content-Length: \r\nTransfer-Encoding: chunked\r\n"sv, 400},
    {"Content-Length: 6\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n"sv, 400},
    // One Transfer-Encoding, obfuscated so that one side overlooks it.
    {"Transfer-Encoding : chunked\r\n"sv, 400},
    {"Transfer-Encoding\t: chunked\r\n"sv, 400},
    {" Transfer-Encoding: chunked\r\n"sv, 400},
    {"X: y\r\n Transfer-Encoding: chunked\r\n"sv, 400},
    {"Transfer-Encoding:\r\n chunked\r\n"sv, 400},
    {"Transfer-Encoding\r\n: chunked\r\n"sv, 400},
    {"Transfer-Encoding: \x0b"
     "chunked\r\n"sv,
     400},
    {"Transfer-Encoding: chunked\x0b\r\n"sv, 400},
    {"Transfer-Encoding:\x0c"
     "chunked\r\n"sv,
     400},
    {"Transfer-Encoding: chunked\0\r\n"sv, 400},
    {"Transfer-Encoding: chunk\0ed\r\n"sv, 400},
    {"\0Transfer-Encoding: chunked\r\n"sv, 400},
    {"Transfer-Encoding: chunked\r\r\n"sv, 400},
    {"Transfer-Encoding: chunked\n"sv, 400},
    {"X: y\nTransfer-Encoding: chunked\r\n"sv, 400},
    {"X: y\rTransfer-Encoding: chunked\r\n"sv, 400},
    {"Transfer Encoding: chunked\r\n"sv, 400},
    {"Transfer-Encoding\x80: chunked\r\n"sv, 400},
    {"Transfer-Encoding: xchunked\r\n"sv, 501},
    {"Transfer-Encoding: chunkedx\r\n"sv, 501},
    {"Transfer-Encoding: \"chunked\"\r\n"sv, 501},
    {"Transfer-Encoding: 'chunked'\r\n"sv, 501},
    {"Transfer-Encoding: chunked;q=1\r\n"sv, 501},
    {"Transfer-Encoding: chunked,\r\n"sv, 501},
    {"Transfer-Encoding: ,chunked\r\n"sv, 501},
    {"Transfer-Encoding:\r\n"sv, 501},
    {"Transfer-Encoding: \xc2\xa0"
     "chunked\r\n"sv,
     501},
    {"Transfer-Encoding: chun ked\r\n"sv, 501},
    // Two codings, or two fields: TE.TE.
    {"Transfer-Encoding: chunked, identity\r\n"sv, 501},
    {"Transfer-Encoding: identity, chunked\r\n"sv, 501},
    {"Transfer-Encoding: gzip, chunked\r\n"sv, 501},
    {"Transfer-Encoding: chunked, chunked\r\n"sv, 501},
    {"Transfer-Encoding: gzip\r\n"sv, 501},
    {"Transfer-Encoding: identity\r\n"sv, 501},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"sv, 501},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"sv, 501},
    {"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"sv, 501},
    {"Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n"sv, 501},
    {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"sv, 501},
    // Two lengths: CL.CL.
    {"Content-Length: 6\r\nContent-Length: 5\r\n"sv, 400},
    {"Content-Length: 6\r\nContent-Length: 6\r\n"sv, 400},
    {"Content-Length: 6, 5\r\n"sv, 400},
    {"Content-Length : 6\r\n"sv, 400},
    {"Content-Length: 6\r\n 5\r\n"sv, 400},
    // The end of the head in doubt (CVE-2023-30589, CVE-2025-23167).
    {"X:\rY: z\r\n"sv, 400},
    {"X:\r\n\rZ: z\r\n"sv, 400},
    {"X: y\r\n\rX"sv, 400},
    {"X: y\r\n\n"sv, 400},
    {"X: y\n\r\n"sv, 400},
});

TEST_CASE("smuggling: each attack is refused, however it is split") {
  for (const Attack& attack : attacks) {
    std::string request = "POST / HTTP/1.1\r\nHost: h\r\n";
    request += attack.fields;
    request += "\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n";
    CAPTURE(attack.fields);
    const Outcome whole = judge(request);
    CHECK(whole.status == attack.status);
    CHECK(judge_bytewise(request) == whole);
  }
}

TEST_CASE("smuggling: an HTTP/1.0 request has no transfer coding") {
  CHECK(judge("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").status == 400);
  CHECK(judge("POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n"
              "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n")
            .status == 400);
  CHECK(judge("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n").status == 200);
}

TEST_CASE("smuggling: look-alike names carry no framing") {
  Head head;
  REQUIRE(judge("POST / HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\n"
                "Content_Length: 9\r\nX-Content-Length: 9\r\nTransfer-Encodin: chunked\r\n\r\n",
                head)
              .status == 200);
  CHECK_FALSE(head.chunked);
  CHECK_FALSE(head.content_length.has_value());
}

// What the parser refuses on its own: bytes that the scanner would have stopped.
TEST_CASE("smuggling: the parser doesn't trust the scanner blindly") {
  Head head;
  CHECK_FALSE(parse_head("GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n", head));
  CHECK_FALSE(parse_head("GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", head));
  CHECK_FALSE(parse_head("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n\r\n", head));
  CHECK_FALSE(parse_head("GET / HTTP/1.1\r\nHost: h\r\n", head));
  CHECK_FALSE(parse_head("GET / HTTP/1.1\r\nHost: h\r\nX: y\nZ: z\r\n\r\n", head));
  CHECK_FALSE(parse_head("GET / HTTP/1.1\r\nHost: h\r\n\rX", head));
  CHECK_FALSE(parse_head("", head));
}

}  // namespace
}  // namespace millrace::http::test
