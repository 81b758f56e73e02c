// Fuzzes chunked bodies: any bytes, with the first one choosing the size of the pieces.
// Properties: no crash; progress; payload lies within what was consumed; pieces change nothing;
// a body that is taken, encoded again in canonical form, decodes to the same payload.
#include "http/chunked.h"
#include "tests/fuzz/targets.h"

#include <cstdint>
#include <cstdio>
#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::http;

constexpr std::uint64_t body_bytes_max = 1 << 20;

struct Outcome {
  int status = 0;  // 200 done, 0 incomplete, else the refusal
  std::size_t end = 0;
  std::string payload;

  bool operator==(const Outcome&) const = default;
};

Outcome decode(std::string_view body, std::size_t piece_bytes) {
  ChunkedDecoder decoder(body_bytes_max);
  Outcome outcome;
  while (!body.empty() && !decoder.done()) {
    const std::string_view piece = body.substr(0, piece_bytes);
    const auto step = decoder.next(piece);
    if (!step) {
      outcome.status = step.error().status;
      outcome.end = 0;  // where a refused body "ends" means nothing
      return outcome;
    }
    require(step->consumed > 0 && step->consumed <= piece.size(), "progress");
    if (!step->payload.empty()) {
      require(step->payload.data() >= piece.data() &&
                  step->payload.data() + step->payload.size() == piece.data() + step->consumed,
              "payload within the consumed bytes");
    }
    outcome.payload += step->payload;
    outcome.end += step->consumed;
    body.remove_prefix(step->consumed);
  }
  require(outcome.payload.size() <= decoder.announced_bytes(), "payload was announced");
  if (decoder.done()) {
    outcome.status = 200;
    require(outcome.payload.size() == decoder.announced_bytes(), "all of the payload came");
  }
  return outcome;
}

std::string encode(std::string_view payload) {
  std::string body;
  while (!payload.empty()) {
    const std::string_view chunk = payload.substr(0, 1000);
    char line[16];
    body.append(
        line, static_cast<std::size_t>(std::snprintf(line, sizeof line, "%zx\r\n", chunk.size())));
    body += chunk;
    body += "\r\n";
    payload.remove_prefix(chunk.size());
  }
  return body + "0\r\n\r\n";
}

void run(std::string_view input) {
  if (input.empty()) return;
  const auto first = static_cast<unsigned char>(input.front());
  const std::string_view body = input.substr(1);
  const Outcome whole = decode(body, body.size());
  require(decode(body, 1 + first) == whole, "pieces change nothing");
  if (whole.status != 200) return;

  const std::string canonical = encode(whole.payload) + "next";
  const Outcome again = decode(canonical, 1 + first);
  require(again.status == 200 && again.payload == whole.payload, "canonical form is taken");
  require(again.end == canonical.size() - 4, "the next request is left alone");
}

constexpr std::string_view seeds[] = {
    "\x02"
    "5\r\nhello\r\n0\r\n\r\nGET",
    "\x01"
    "a;x=\"y\"\r\n0123456789\r\n00\r\nTrailer: v\r\n\r\n",
    "\x40"
    "0\r\n\r\n"};

}  // namespace

const Target http_chunked{.name = "http_chunked", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
