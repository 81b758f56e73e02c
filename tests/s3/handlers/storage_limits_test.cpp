// Limits that show only below S3: a quota that is used up, and an object with as many parts as an
// object may have. What S3 calls them.
#include "s3/limits.h"
#include "tests/fake/ring_fake.h"
#include "tests/s3/service_driver.h"

using namespace millrace;
using namespace millrace::tests;
using http::test::status_of;

TEST_CASE("a quota that is used up is QuotaExceeded, and leaves nothing") {
  fake::Plan plan = fake::Plan::plain();
  plan.faults = {{engine::Action::write, 1.0, {EDQUOT}}};
  const fake::Scenario scenario(plan);
  TestShard test;
  const auto body = [](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    const auto refused = co_await served.answer_to(
        {.method = "PUT", .target = "/bucket/k", .body = pattern(100'000)});
    CHECK(status_of(refused) == 403);
    CHECK(code_of(refused) == "QuotaExceeded");
    CHECK(served.site.nothing_aside());
    CHECK_FALSE(served.site.exists("k"));
    co_await served.client.close();
  };
  const Task<> task = body(*test.shard);
  test.shard->run_until(task);
}

TEST_CASE("an append to an object of 10,000 parts is TooManyParts") {
  const fake::Scenario scenario(fake::Plan::plain());
  TestShard test;
  const auto body = [](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    for (const std::size_t parts : {s3::limits::parts_max - 1, s3::limits::parts_max}) {
      const std::string key = "k" + std::to_string(parts);
      const std::string content(parts, 'x');
      const auto made = co_await put(served.service.store(), key, content, {.parts = parts});
      REQUIRE(made.has_value());
      const auto appended = co_await served.answer_to(
          {.method = "PUT",
           .target = "/bucket/" + key,
           .headers = {{"x-amz-write-offset-bytes", std::to_string(parts)}},
           .body = "y"});
      const bool full = parts == s3::limits::parts_max;
      CHECK(status_of(appended) == (full ? 400 : 200));
      CHECK(code_of(appended) == (full ? "TooManyParts" : ""));
    }
    co_await served.client.close();
  };
  const Task<> task = body(*test.shard);
  test.shard->run_until(task);
}
