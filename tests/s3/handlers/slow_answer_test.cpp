// Answers of work that takes its time: what the client gets to see meanwhile, and at the end. The
// fake's time alone makes these waits short.
#include "s3/handlers/slow_answer.h"

#include "s3/limits.h"
#include "s3/xml/writer.h"
#include "tests/s3/service_driver.h"

using namespace millrace;
using namespace millrace::tests;
using http::test::content_of;
using http::test::has;
using http::test::request;
using http::test::status_of;

namespace {

const std::string document = std::string(s3::xml::declaration) + "<Done>yes</Done>";

// A handler whose path says how long the work takes, and whether it fails: /slow/25000/fail.
struct SlowSite {
  explicit SlowSite(engine::Shard& shard)
      : served(shard), client(shard, true, {.handler = {&serve, this}}) {}

  static Task<s3::Outcome<std::string>> work(std::uint64_t takes_ms, bool fails) {
    if (takes_ms > 0) co_await engine::sleep_for(takes_ms);
    if (fails) co_return s3::refuse(s3::ErrorCode::internal_error);
    co_return document;
  }

  static Task<> serve(void* context, http::Exchange& exchange) {
    auto& site = *static_cast<SlowSite*>(context);
    s3::Request request(site.served.service, exchange);
    const auto path = exchange.head().path;
    const std::uint64_t takes_ms = std::strtoul(std::string(path.substr(6)).c_str(), nullptr, 10);
    site.outcome =
        co_await s3::handlers::answer_when_done(request, work(takes_ms, path.ends_with("fail")));
    if (!site.outcome && !exchange.head_sent()) {
      exchange.begin(s3::http_status(site.outcome.error().code));
      std::ignore = co_await exchange.send("early");
    }
  }

  // A chunked answer, up to its end.
  Task<std::string> chunked_answer() {
    while (!has(client.got, "\r\n0\r\n\r\n") && co_await client.more()) {
    }
    co_return client.take(client.got.size());
  }

  // A client's own close waits until the shard has nothing more to do.
  Task<> close() {
    co_await served.client.stream->close();
    co_await client.close();
  }

  ServedSite served;
  http::test::Client client;
  s3::Outcome<> outcome;
};

// The content of a chunked answer, and how many chunks it came in.
std::pair<std::string, unsigned> unchunked(const std::string& answer) {
  std::string rest = content_of(answer);
  std::string content;
  unsigned chunks = 0;
  for (;;) {
    const auto line = rest.find("\r\n");
    REQUIRE(line != std::string::npos);
    const std::size_t size = std::strtoul(rest.c_str(), nullptr, 16);
    if (size == 0) return {content, chunks};
    content += rest.substr(line + 2, size);
    REQUIRE(rest.substr(line + 2 + size, 2) == "\r\n");
    rest.erase(0, line + 4 + size);
    ++chunks;
  }
}

}  // namespace

TEST_CASE("slow answer: work that is done soon is answered like any other") {
  on_shard([](engine::Shard& shard) -> Task<> {
    SlowSite site(shard);
    for (const char* path : {"/slow/0", "/slow/1"}) {
      co_await site.client.send(request(path));
      const auto answer = co_await site.client.answer();
      CHECK(status_of(answer) == 200);
      CHECK(content_of(answer) == document);
      CHECK_FALSE(has(answer, "Transfer-Encoding"));
    }
    co_await site.client.send(request("/slow/1/fail"));
    CHECK(status_of(co_await site.client.answer()) == 500);
    co_await site.close();
  });
}

TEST_CASE("slow answer: white space until the document, and the connection goes on") {
  if (!ring_kind().fake) return;
  on_shard([](engine::Shard& shard) -> Task<> {
    SlowSite site(shard);
    const unsigned spaces = 3;
    const auto takes_ms =
        s3::limits::slow_answer_first_ms + spaces * s3::limits::slow_answer_next_ms + 1000;
    for (unsigned round = 0; round < 2; ++round) {
      co_await site.client.send(request("/slow/" + std::to_string(takes_ms)));
      const auto answer = co_await site.chunked_answer();
      CHECK(status_of(answer) == 200);
      CHECK(has(answer, "\r\nTransfer-Encoding: chunked\r\n"));
      CHECK(has(answer, "\r\nContent-Type: application/xml\r\n"));
      CHECK_FALSE(has(answer, "Content-Length"));
      const auto [content, chunks] = unchunked(answer);
      CHECK(content ==
            std::string(s3::xml::declaration) + std::string(spaces, ' ') + "<Done>yes</Done>");
      CHECK(chunks == spaces + 2);
      CHECK(site.outcome);
    }
    co_await site.close();
  });
}

TEST_CASE("slow answer: an error that comes late is in the body, and in the outcome") {
  if (!ring_kind().fake) return;
  on_shard([](engine::Shard& shard) -> Task<> {
    SlowSite site(shard);
    co_await site.client.send(request("/slow/12000/fail"));
    const auto answer = co_await site.chunked_answer();
    CHECK(status_of(answer) == 200);
    const auto content = unchunked(answer).first;
    CHECK(content.starts_with(std::string(s3::xml::declaration) +
                              "<Error><Code>InternalError</Code>"));
    CHECK(content.find("<?xml", 1) == std::string::npos);
    REQUIRE_FALSE(site.outcome);
    CHECK(site.outcome.error().code == s3::ErrorCode::internal_error);
    co_await site.close();
  });
}

TEST_CASE("slow answer: HTTP/1.0 has no chunks; the end of the connection ends it") {
  if (!ring_kind().fake) return;
  on_shard([](engine::Shard& shard) -> Task<> {
    SlowSite site(shard);
    co_await site.client.send(
        "GET /slow/16000 HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\n\r\n");
    while (co_await site.client.more()) {
    }
    const auto answer = site.client.take(site.client.got.size());
    CHECK(has(answer, "\r\nConnection: close\r\n"));
    CHECK_FALSE(has(answer, "Transfer-Encoding"));
    CHECK(content_of(answer) == std::string(s3::xml::declaration) + " <Done>yes</Done>");
    co_await site.close();
  });
}

TEST_CASE("slow answer: a client that leaves does not end the work") {
  if (!ring_kind().fake) return;
  on_shard([](engine::Shard& shard) -> Task<> {
    SlowSite site(shard);
    co_await site.client.send(request("/slow/40000"));
    co_await engine::sleep_for(12'000);
    co_await site.client.close();
    REQUIRE_FALSE(site.outcome);
    CHECK(site.outcome.error().code == s3::ErrorCode::request_timeout);
    co_await site.served.client.close();
  });
}
