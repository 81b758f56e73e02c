// Tasks, their results and order; signals; groups that join what they adopted.
#include "engine/group.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace millrace::engine;

namespace {

Task<int> sum(int a, int b) {
  co_return a + b;
}

Task<std::unique_ptr<int>> boxed(int value) {
  co_return std::make_unique<int>(value);
}

Task<int> waiting(Signal& signal, int value) {
  co_await signal.wait();
  co_return value;
}

}  // namespace

TEST_CASE("a task starts at once and its result is moved out") {
  std::string trace;
  const auto outer = [&]() -> Task<> {
    trace += "a";
    const int three = co_await sum(1, 2);
    const auto box = co_await boxed(three);
    trace += std::to_string(*box);
  };
  const Task<> task = outer();
  CHECK(task.done());
  CHECK(trace == "a3");
}

TEST_CASE("a waiting task goes on where it was, its awaiter after it") {
  Signal signal;
  int got = 0;
  const auto outer = [&]() -> Task<> { got = co_await waiting(signal, 7); };
  const Task<> task = outer();
  CHECK_FALSE(task.done());
  CHECK(got == 0);
  signal.notify();
  CHECK(task.done());
  CHECK(got == 7);
}

TEST_CASE("a notify before the wait is not lost, two are one") {
  Signal signal;
  signal.notify();
  signal.notify();
  const Task<int> first = waiting(signal, 1);
  CHECK(first.done());
  const Task<int> second = waiting(signal, 2);
  CHECK_FALSE(second.done());
  signal.notify();
  CHECK(second.done());
}

TEST_CASE("long chains of finished tasks do not grow the stack") {
  const auto many = []() -> Task<int> {
    int total = 0;
    for (int i = 0; i < 1'000'000; ++i) total += co_await sum(i & 1, 0);
    co_return total;
  };
  const auto outer = [&]() -> Task<> { CHECK(co_await many() == 500'000); };
  CHECK(outer().done());
}

TEST_CASE("a group joins after its last task and can be joined again") {
  Signal signals[3];
  TaskGroup group;
  std::vector<int> ended;
  const auto member = [&](int which) -> Task<> {
    co_await signals[which].wait();
    ended.push_back(which);
  };
  for (int which = 0; which < 3; ++which) group.adopt(member(which));
  const Task<> joined = group.join();
  CHECK(group.running() == 3);
  signals[1].notify();
  signals[0].notify();
  CHECK_FALSE(joined.done());
  signals[2].notify();
  CHECK(joined.done());
  CHECK(ended == std::vector<int>{1, 0, 2});
  CHECK(group.join().done());
}

TEST_CASE("a task that ended before it was adopted counts for nothing") {
  TaskGroup group;
  const auto quick = []() -> Task<> { co_return; };
  group.adopt(quick());
  CHECK(group.running() == 0);
}

TEST_CASE("a joined group may be destroyed from inside the join") {
  auto group = std::make_unique<TaskGroup>();
  Signal signal;
  const auto member = [&]() -> Task<> { co_await signal.wait(); };
  group->adopt(member());
  const auto owner = [&]() -> Task<> {
    co_await group->join();
    group.reset();
  };
  const Task<> task = owner();
  signal.notify();
  CHECK(task.done());
  CHECK(group == nullptr);
}
