// Turns: never more than there are, in the order they were asked for.
#include "engine/turns.h"

#include "tests/engine/shard_driver.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace;
using namespace millrace::engine;

TEST_CASE("turns are bounded and given in order") {
  tests::TestShard test;
  Turns turns(2);
  std::string trace;
  unsigned running = 0;
  const auto worker = [&](char name) -> Task<> {
    const auto turn = co_await turns.take();
    ++running;
    CHECK(running <= 2);
    trace += name;
    for (int i = 0; i < 3; ++i) co_await Yield{};
    --running;
  };
  TaskGroup group;
  const auto body = [&]() -> Task<> {
    for (const char name : std::string("abcdefg")) group.adopt(worker(name));
    CHECK(trace == "ab");
    co_await group.join();
    // And all of them are back.
    const auto first = co_await turns.take();
    const auto second = co_await turns.take();
  };
  const Task<> task = body();
  test.shard->run_until(task);
  CHECK(trace == "abcdefg");
  CHECK(running == 0);
}
