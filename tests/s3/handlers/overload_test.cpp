// Bodies that stall, and more requests than are taken: what S3 calls it. The fake's time alone
// makes the first wait short.
#include "http/limits.h"
#include "s3/limits.h"
#include "tests/s3/service_driver.h"

using namespace millrace;
using namespace millrace::tests;
using http::test::status_of;

TEST_CASE("overload: a body that stalls is RequestTimeout") {
  if (!ring_kind().fake) return;
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    auto text = served.render({.method = "PUT", .target = "/bucket/k", .body = "0123456789"});
    text.resize(text.size() - 5);
    co_await served.client.send(text);
    const auto begun_ns = shard.now_ns();
    const auto answer = co_await served.client.answer();
    CHECK(status_of(answer) == 400);
    CHECK(code_of(answer) == "RequestTimeout");
    CHECK(shard.now_ns() - begun_ns >= http::limits::body_progress_ms * 1'000'000ULL);
    CHECK(header_of(answer, "Connection") == "close");
    co_await served.reconnect();
    CHECK(status_of(co_await served.answer_to({.target = "/bucket/k"})) == 404);
    co_await served.client.close();
  });
}

TEST_CASE("overload: one request more than the maximum is SlowDown, and the next is served") {
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    shard.page().requests_active.add(s3::limits::requests_active_max);
    const auto refused = co_await served.answer_to({.target = "/bucket/k"});
    CHECK(status_of(refused) == 503);
    CHECK(code_of(refused) == "SlowDown");
    shard.page().requests_active.subtract(s3::limits::requests_active_max);
    CHECK(status_of(co_await served.answer_to({.target = "/bucket/k"})) == 404);
    co_await served.client.close();
  });
}
