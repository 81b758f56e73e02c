// What completing costs is counted in calls to the kernel, on the fake ring, and not in time.
#include "tests/fake/ring_fake.h"
#include "tests/s3/store/uploads/upload_driver.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

namespace millrace::tests {
namespace {

using Counts = std::vector<std::uint64_t>;

Counts counts_of(const fake::Scenario& scenario) {
  Counts counts;
  for (std::size_t i = 0; i < fake::action_count; ++i) {
    counts.push_back(scenario.requests(static_cast<engine::Action>(i)));
  }
  return counts;
}

// The calls of one Complete, by kind.
Counts cost(std::uint32_t part_count, std::uint64_t slot_bytes) {
  Bucket bucket;
  const fake::Scenario scenario(fake::Plan::plain());
  TestShard test;
  Counts counts;
  const auto body = [&]() -> Task<> {
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    std::vector<PartContent> parts;
    for (std::uint32_t number = 1; number <= part_count; ++number) {
      parts.push_back({.number = number, .size = slot_bytes});
      co_await put_part(store, id, "k", parts.back());
    }
    const Counts before = counts_of(scenario);
    const auto done = co_await complete(store, id, "k", parts);
    counts = counts_of(scenario);
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] -= before[i];
    REQUIRE(done);
    CHECK_FALSE(done->copied);
    co_await check_object(store, "k", parts);
  };
  const Task<> task = body();
  test.shard->run_until(task);
  return counts;
}

// An object of `part_count` parts, which are holes but for their ends: no room is allocated. ext4
// has files of up to 16 TiB.
void large_object(std::uint32_t part_count, std::uint64_t slot_bytes) {
  Bucket bucket(st::Durability::none);
  fake::Plan plan = fake::Plan::plain();
  plan.log = false;
  plan.faults = {{engine::Action::allocate, 1.0, {EOPNOTSUPP}}};
  const fake::Scenario scenario(plan);
  TestShard test;
  const auto body = [&]() -> Task<> {
    st::Store store(bucket.options, bucket.locks);
    const auto id = co_await begin_upload(store, "k");
    std::vector<PartContent> parts;
    for (std::uint32_t number = 1; number <= part_count; ++number) {
      parts.push_back({.number = number, .size = slot_bytes});
      co_await put_part(store, id, "k", parts.back());
    }
    const auto page =
        co_await st::list_parts(store, "bucket", "k", id.view(), part_count - 10, 1000);
    REQUIRE(page);
    CHECK(page->parts.size() == 10);
    const auto done = co_await complete(store, id, "k", parts);
    REQUIRE(done);
    CHECK_FALSE(done->copied);
    CHECK(done->size == part_count * slot_bytes);
    co_await check_object(store, "k", parts);
    CHECK(bucket.leftovers() == 0);
  };
  const Task<> task = body();
  test.shard->run_until(task);
}

}  // namespace

TEST_CASE("ten thousand parts are an object like any other") {
  const bool whole = std::getenv("MILLRACE_LONG") != nullptr;
  large_object(whole ? st::upload_part_number_max : 1000, part_bytes);
}

TEST_CASE("an object of 5 TiB, of parts of 5 GiB") {
  large_object(1024, st::upload_part_bytes_max);
}

TEST_CASE("completing makes the same calls whatever the parts weigh") {
  const Counts small = cost(3, part_bytes);
  CHECK(small == cost(3, 8 * part_bytes));
  std::uint64_t calls = 0;
  for (const std::uint64_t each : small) calls += each;
  CHECK(calls > 10);
}

TEST_CASE("completing reads one receipt for each part, and nothing else grows with their number") {
  const Counts few = cost(2, part_bytes);
  const Counts some = cost(3, part_bytes);
  const Counts more = cost(4, part_bytes);
  for (std::size_t i = 0; i < few.size(); ++i) {
    CAPTURE(i);
    CHECK(some[i] - few[i] == more[i] - some[i]);
    // Opened, read, closed, and its name removed.
    CHECK(more[i] - some[i] <= 4);
  }
}

}  // namespace millrace::tests
