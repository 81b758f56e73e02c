// Locks of keys: one at a time, in order, and across threads.
#include "s3/store/key_locks.h"
#include "tests/engine/shard_driver.h"

#include <algorithm>
#include <barrier>
#include <thread>

using namespace millrace;
using namespace millrace::tests;
using engine::Task;
using s3::store::KeyLocks;

TEST_CASE("one at a time, in the order of asking, and free afterwards") {
  on_shard([](engine::Shard&) -> Task<> {
    KeyLocks locks;
    std::vector<unsigned> order;
    bool inside = false;
    engine::TaskGroup group;
    const auto work = [&](unsigned number) -> Task<> {
      const auto held = co_await locks.lock("bucket", "key");
      CHECK(!std::exchange(inside, true));
      order.push_back(number);
      co_await engine::sleep_for(number % 2);
      inside = false;
    };
    for (unsigned number = 0; number < 10; ++number) group.adopt(work(number));
    // Another key does not wait (unless it shares the slot: these do not).
    const auto other = co_await locks.lock("bucket", "key2");
    CHECK(order.size() < 10);
    co_await group.join();
    CHECK(std::ranges::is_sorted(order));
    CHECK(order.size() == 10);
    // Nothing is kept after an early release, a move and a second release.
    auto held = co_await locks.lock("bucket", "key");
    held.release();
    held.release();
    auto again = co_await locks.lock("bucket", "key");
    const auto moved = std::move(again);
    again.release();
    bool got = false;
    const auto third = [&]() -> Task<> {
      const auto lock = co_await locks.lock("bucket", "key");
      got = true;
    };
    group.adopt(third());
    CHECK(!got);
    const_cast<KeyLocks::Held&>(moved).release();
    co_await group.join();
    CHECK(got);
  });
}

TEST_CASE("threads exclude each other, and nobody is forgotten") {
  if (ring_kind().fake) return;
  KeyLocks locks;
  std::barrier<> step(3);
  unsigned shared = 0;  // guarded by the lock alone
  const auto run = [&] {
    TestShard test;
    const auto work = [&]() -> Task<> {
      for (unsigned i = 0; i < 300; ++i) {
        const auto held = co_await locks.lock("bucket", "key");
        const unsigned before = shared;
        if (i % 50 == 0) co_await engine::sleep_for(1);
        shared = before + 1;
      }
    };
    const auto body = [&]() -> Task<> {
      engine::TaskGroup group;
      for (unsigned i = 0; i < 4; ++i) group.adopt(work());
      co_await group.join();
    };
    step.arrive_and_wait();
    const Task<> task = body();
    test.shard->run_until(task);
    step.arrive_and_wait();
  };
  std::thread first(run);
  std::thread second(run);
  run();
  first.join();
  second.join();
  CHECK(shared == 3600);
}
