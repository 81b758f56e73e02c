// Locks of keys: one at a time, in order, and across threads.
#include "s3/store/key_locks.h"
#include "tests/engine/shard_driver.h"

#include <fcntl.h>
#include <unistd.h>

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

TEST_CASE("other processes' locks of a filesystem beyond this kernel are waited for by workers") {
  if (ring_kind().fake) return;  // its time is not the lock's
  TemporaryDirectory directory;
  const auto open_file = [&] {
    return engine::Descriptor(
        ::openat(directory.fd(), "key-locks", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  };
  // Two descriptions, as two processes have.
  const engine::Descriptor own = open_file();
  const engine::Descriptor others = open_file();
  on_shard([&](engine::Shard& shard) -> Task<> {
    KeyLocks here;
    KeyLocks there;
    here.share(own.get(), false);
    there.share(others.get(), false);
    unsigned inside = 0;
    unsigned done = 0;
    engine::TaskGroup group;
    const auto work = [&](KeyLocks& locks) -> Task<> {
      for (int turn = 0; turn < 20; ++turn) {
        auto held = co_await locks.lock("bucket", "key");
        const auto excluded = co_await locks.exclude_others(held, shard.now_ns());
        REQUIRE(excluded.has_value());
        CHECK(inside++ == 0);
        co_await engine::sleep_for(static_cast<std::uint64_t>(turn % 2));
        --inside;
        ++done;
      }
    };
    for (int task = 0; task < 2; ++task) {
      group.adopt(work(here));
      group.adopt(work(there));
    }
    co_await group.join();
    CHECK(done == 80);
    // An unlock that fails is not forgotten: the byte is let go when the filesystem is back.
    auto held = co_await here.lock("bucket", "key");
    const auto excluded = co_await here.exclude_others(held, shard.now_ns());
    REQUIRE(excluded.has_value());
    const int away = ::fcntl(own.get(), F_DUPFD_CLOEXEC, 0);
    REQUIRE(away >= 0);
    REQUIRE(::close(own.get()) == 0);  // every call on it fails
    held.release();
    co_await engine::sleep_for(50);
    REQUIRE(::dup3(away, own.get(), O_CLOEXEC) >= 0);
    REQUIRE(::close(away) == 0);
    auto next = co_await there.lock("bucket", "key");
    const auto got = co_await there.exclude_others(next, shard.now_ns());
    CHECK(got.has_value());
    next.release();
    co_await engine::sleep_for(1);
    co_await shard.tasks().join();
  });
}
