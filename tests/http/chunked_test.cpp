// The chunked decoder: what is taken, what is refused, and that splits change neither.
#include "http/chunked.h"

#include "http/limits.h"

#include <doctest/doctest.h>
#include <array>
#include <string>

namespace millrace::http {
namespace {

using namespace std::string_view_literals;

struct Outcome {
  int status = 0;  // 200 done, 0 incomplete, else the refusal
  std::string reason;
  std::string payload;
  std::size_t end = 0;

  bool operator==(const Outcome&) const = default;
};

// Decodes `piece` and stops at the end of the body; false after a refusal.
bool feed(ChunkedDecoder& decoder, std::string_view piece, Outcome& outcome) {
  while (!piece.empty() && !decoder.done()) {
    const auto step = decoder.next(piece);
    if (!step) {
      outcome.status = step.error().status;
      outcome.reason = step.error().reason;
      return false;
    }
    REQUIRE(step->consumed > 0);
    REQUIRE(step->consumed <= piece.size());
    if (!step->payload.empty()) {
      REQUIRE(step->payload.data() >= piece.data());
      REQUIRE(step->payload.data() + step->payload.size() <= piece.data() + step->consumed);
    }
    outcome.payload += step->payload;
    outcome.end += step->consumed;
    piece.remove_prefix(step->consumed);
  }
  if (decoder.done()) outcome.status = 200;
  return true;
}

Outcome decode(std::string_view body, std::size_t first, std::size_t then,
               std::uint64_t body_bytes_max = ~std::uint64_t{0}) {
  ChunkedDecoder decoder(body_bytes_max);
  Outcome outcome;
  std::size_t size = first;
  while (!body.empty()) {
    // Memory of its own for each piece, so that a look beyond it is seen.
    const std::string piece(body.substr(0, size));
    if (!feed(decoder, piece, outcome)) {
      outcome.end = 0;
      return outcome;
    }
    body.remove_prefix(piece.size());
    size = then;
  }
  return outcome;
}

Outcome decode(std::string_view body) {
  return decode(body, body.size(), 1);
}

void same_everywhere(std::string_view body) {
  CAPTURE(body);
  const Outcome whole = decode(body);
  for (std::size_t split = 1; split < body.size(); ++split) {
    Outcome outcome = decode(body, split, body.size());
    if (whole.status != 200 && whole.status != 0) outcome.payload = whole.payload;
    CHECK(outcome == whole);
  }
  Outcome bytewise = decode(body, 1, 1);
  CHECK(bytewise == whole);
}

struct Good {
  std::string_view body;
  std::string_view payload;
  std::size_t rest = 0;  // bytes after the body
};

constexpr auto good_bodies = std::to_array<Good>({
    {"0\r\n\r\n"sv, ""sv},
    {"00000\r\n\r\n"sv, ""sv},
    {"0000000000000000\r\n\r\n"sv, ""sv},
    {"5\r\nhello\r\n0\r\n\r\n"sv, "hello"sv},
    {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"sv, "hello world"sv},
    {"0000000000000005\r\nhello\r\n0\r\n\r\n"sv, "hello"sv},
    {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"sv, "01234567890123456789"sv},
    {"1f\r\n0123456789012345678901234567890\r\n0\r\n\r\n"sv, "0123456789012345678901234567890"sv},
    {"2\r\n\r\n\r\n0\r\n\r\n"sv, "\r\n"sv},
    {"7\r\n0\r\n\r\nab\r\n0\r\n\r\n"sv, "0\r\n\r\nab"sv},
    {"3\r\n\0\n\r\r\n0\r\n\r\n"sv, "\0\n\r"sv},
    {"5;x\r\nhello\r\n0;y\r\n\r\n"sv, "hello"sv},
    {"5;x=y;z\r\nhello\r\n0\r\n\r\n"sv, "hello"sv},
    {"5;x=\"a b;c=\\\"d\\\\\"\r\nhello\r\n0\r\n\r\n"sv, "hello"sv},
    {"5;x=\"\";y=\"z\"\r\nhello\r\n0\r\n\r\n"sv, "hello"sv},
    {"5;chunk-signature=0123abcd\r\nhello\r\n0;chunk-signature=ef\r\n\r\n"sv, "hello"sv},
    {"0\r\nX: y\r\n\r\n"sv, ""sv},
    {"5\r\nhello\r\n0\r\nX:y\r\nEmpty:\r\nZ: \xc3\xa9\ta\r\n\r\n"sv, "hello"sv},
    {"0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\nGET"sv, ""sv, 3},
    {"1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n"sv, "x"sv, 16},
    {"0\r\n\r\n0\r\n\r\n"sv, ""sv, 5},
});

TEST_CASE("chunked: good bodies, and where they end") {
  for (const Good& good : good_bodies) {
    CAPTURE(good.body);
    const Outcome outcome = decode(good.body);
    CHECK_MESSAGE(outcome.status == 200, outcome.reason);
    CHECK(outcome.payload == good.payload);
    CHECK(outcome.end == good.body.size() - good.rest);
  }
}

struct Bad {
  std::string_view body;
  int status = 400;
};

constexpr auto bad_bodies = std::to_array<Bad>({
    {"\r\n"sv},
    {"\n"sv},
    {"x\r\n"sv},
    {"g\r\n"sv},
    {"-1\r\n"sv},
    {"+1\r\n"sv},
    {" 5\r\n"sv},
    {"\t5\r\n"sv},
    {"0x5\r\nhello\r\n"sv},
    {"5 \r\nhello\r\n"sv},
    {"5\t\r\nhello\r\n"sv},
    {"5_\r\n"sv},
    {"5.\r\n"sv},
    {"5,5\r\n"sv},
    {"5\0\r\n"sv},
    {"5\x0b\r\n"sv},
    {"5\x80\r\n"sv},
    {"5\nhello\r\n"sv},
    {"5\rhello\r\n"sv},
    {"5\r\rhello"sv},
    {"5\r\nhello\n"sv},
    {"5\r\nhello0\r\n"sv},
    {"5\r\nhelloXX0\r\n\r\n"sv},
    {"5\r\nhello\rX"sv},
    {"5\r\nhello\r\r"sv},
    {"5\r\nhello\r\n\r\n"sv},
    {"5\r\nhello\r\n 0\r\n"sv},
    {"5\r\nhello!\r\n0\r\n\r\n"sv},
    {"5\r\nhell\r\n0\r\n\r\n"sv},
    // Sizes beyond 64 bits, or with more digits than those need.
    {"10000000000000000\r\n"sv},
    {"00000000000000005\r\n"sv},
    {"fffffffffffffffff\r\n"sv},
    {"ffffffffffffffff0\r\n"sv},
    {"0000000000000000000000000000000000000000005\r\n"sv},
    // Extensions: the line's end must not be hidden in them.
    {"5;\r\nhello"sv},
    {"5;;x\r\n"sv},
    {"5; x\r\n"sv},
    {"5 ;x\r\n"sv},
    {"5;x =y\r\n"sv},
    {"5;x= y\r\n"sv},
    {"5;x=\r\n"sv},
    {"5;=y\r\n"sv},
    {"5;x=y z\r\n"sv},
    {"5;x=\"y\r\n"sv},
    {"5;x=\"y\"z\r\n"sv},
    {"5;x=\"y\n\"\r\n"sv},
    {"5;x=\"\\\r\n"sv},
    {"5;x\nhello\r\n"sv},
    {"5;x\rhello"sv},
    {"5;\nxx\r\n"sv},
    {"5;x=y\n"sv},
    {"5;x\0\r\n"sv},
    {"5;x=\"\0\"\r\n"sv},
    {"2;\nxx\r\n4c\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n"sv},
    {"5;x=y=z\r\n"sv},
    {"5;x:y\r\n"sv},
    // Trailers.
    {"0\r\n\n"sv},
    {"0\r\n\rX"sv},
    {"0\n\r\n"sv},
    {"0\r\n X: y\r\n\r\n"sv},
    {"0\r\n: y\r\n\r\n"sv},
    {"0\r\nX : y\r\n\r\n"sv},
    {"0\r\nX\r\n\r\n"sv},
    {"0\r\nX: y\n\r\n"sv},
    {"0\r\nX: y\rZ"sv},
    {"0\r\nX: y\r\n z\r\n\r\n"sv},
    {"0\r\nX: \0\r\n\r\n"sv},
    {"0\r\nX: y\x7f\r\n\r\n"sv},
    {"0\r\nGET / HTTP/1.1\r\n\r\n"sv},
    {"0\r\nX\xc3: y\r\n\r\n"sv},
    {"0\r\nX: y\r\n\rX"sv},
    {"0\r\n5\r\nhello\r\n"sv},
});

TEST_CASE("chunked: malformed bodies are refused") {
  for (const Bad& bad : bad_bodies) {
    CAPTURE(bad.body);
    const Outcome outcome = decode(bad.body);
    CHECK_MESSAGE(outcome.status == bad.status, outcome.reason);
  }
}

TEST_CASE("chunked: the answer doesn't depend on where the bytes are split") {
  for (const Good& good : good_bodies) same_everywhere(good.body);
  for (const Bad& bad : bad_bodies) same_everywhere(bad.body);
}

TEST_CASE("chunked: a cut-off body isn't done") {
  const std::string_view body = "5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t size = 0; size < body.size(); ++size) {
    CAPTURE(size);
    CHECK(decode(body.substr(0, size)).status == 0);
  }
  CHECK(decode(body).status == 200);
}

TEST_CASE("chunked: limits hold to the byte") {
  const auto with_extension = [](std::size_t line_bytes) {
    return "5;" + std::string(line_bytes - 2, 'x') + "\r\nhello\r\n";
  };
  CHECK(decode(with_extension(limits::chunk_line_bytes_max) + "0\r\n\r\n").status == 200);
  CHECK(decode(with_extension(limits::chunk_line_bytes_max + 1)).status == 400);
  // 16 lines of 256 extension bytes each would be one too long: 255 and the size's digit.
  std::string many;
  std::size_t extensions = 0;
  while (extensions + 255 <= limits::chunk_extensions_bytes_max) {
    many += with_extension(256);
    extensions += 255;
  }
  const std::size_t left = limits::chunk_extensions_bytes_max - extensions;
  REQUIRE(left >= 3);
  CHECK(decode(many + with_extension(left + 1) + "0\r\n\r\n").status == 200);
  CHECK(decode(many + with_extension(left + 2)).status == 400);

  const auto with_trailers = [](std::size_t count) {
    std::string body = "0\r\n";
    for (std::size_t i = 0; i < count; ++i) body += "X: y\r\n";
    return body + "\r\n";
  };
  CHECK(decode(with_trailers(limits::trailer_count_max)).status == 200);
  CHECK(decode(with_trailers(limits::trailer_count_max + 1)).status == 431);
  const auto trailer_of = [](std::size_t bytes) {
    return "0\r\nX:" + std::string(bytes - 6, 'v') + "\r\n\r\n";
  };
  CHECK(decode(trailer_of(limits::trailer_bytes_max)).status == 200);
  CHECK(decode(trailer_of(limits::trailer_bytes_max + 1)).status == 431);
}

TEST_CASE("chunked: the body's limit") {
  const std::string_view body = "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n";
  CHECK(decode(body, body.size(), 1, 8).status == 200);
  const Outcome over = decode(body, body.size(), 1, 7);
  CHECK(over.status == 413);
  CHECK(over.payload == "hello");
  // Two sizes whose sum wraps round 2^64 must not slip under the limit.
  CHECK(decode("1\r\nx\r\nffffffffffffffff\r\n").status == 413);
  CHECK(decode("ffffffffffffffff\r\nx").status == 0);
}

TEST_CASE("chunked: long payloads come back as views, in runs") {
  const std::string payload(100'000, 'p');
  const std::string body = "186a0\r\n" + payload + "\r\n0\r\n\r\n";
  ChunkedDecoder decoder;
  const auto first = decoder.next(body);
  REQUIRE(first);
  CHECK(first->consumed == 7 + payload.size());
  CHECK(first->payload.data() == body.data() + 7);
  CHECK(first->payload.size() == payload.size());
  CHECK(decoder.announced_bytes() == payload.size());
  const auto last = decoder.next(std::string_view(body).substr(first->consumed));
  REQUIRE(last);
  CHECK(last->consumed == 7);
  CHECK(decoder.done());
  const auto after = decoder.next("more");
  REQUIRE(after);
  CHECK(after->consumed == 0);
}

}  // namespace
}  // namespace millrace::http
