// The loop: time, timers, the mailbox from other threads, messages between rings, receive of
// what was ready.
#include "tests/engine/shard_driver.h"

#include <atomic>
#include <thread>

using namespace millrace::engine;
using namespace millrace::tests;

TEST_CASE("shard: sleeping takes at least so long, and sleepers wake in order") {
  on_shard([](Shard& shard) -> Task<> {
    std::vector<int> order;
    const auto sleeper = [&](int which, std::uint64_t delay_ms) -> Task<> {
      const auto before = shard.now_ns();
      co_await sleep_for(delay_ms);
      CHECK(shard.now_ns() - before >= delay_ms * 1'000'000);
      order.push_back(which);
    };
    shard.tasks().adopt(sleeper(2, 60));
    shard.tasks().adopt(sleeper(1, 20));
    shard.tasks().adopt(sleeper(3, 120));
    co_await shard.tasks().join();
    CHECK(order == std::vector<int>{1, 2, 3});
  });
}

TEST_CASE("shard: completions never run inside submit") {
  on_shard([](Shard&) -> Task<> {
    bool submitted = false;
    const auto one = [&]() -> Task<> {
      CHECK(co_await Operation({.action = Action::nop}) == 0);
      CHECK(submitted);
    };
    const Task<> task = one();
    CHECK_FALSE(task.done());
    submitted = true;
    while (!task.done()) co_await Operation({.action = Action::nop});
  });
}

TEST_CASE("shard: more requests than the submission queue holds") {
  on_shard([](Shard& shard) -> Task<> {
    unsigned ended = 0;
    const auto one = [&]() -> Task<> {
      CHECK(co_await Operation({.action = Action::nop}) == 0);
      ++ended;
    };
    const unsigned count = ring_kind().fake ? 500 : 5000;
    for (unsigned i = 0; i < count; ++i) shard.tasks().adopt(one());
    co_await shard.tasks().join();
    CHECK(ended == count);
  });
}

namespace {

struct Note : Message {
  Note() : Message(&Note::arrived) {}
  static void arrived(Message& self, Shard& shard) {
    auto& note = static_cast<Note&>(self);
    note.order->push_back(note.number);
    note.seen_on = &shard;
    if (note.order->size() == note.expected) note.all->notify();
  }
  std::vector<unsigned>* order = nullptr;
  unsigned number = 0;
  std::size_t expected = 0;
  Signal* all = nullptr;
  Shard* seen_on = nullptr;
};

}  // namespace

TEST_CASE("shard: messages of other threads arrive in the order of each, and wake the loop") {
  const Seed seed(1, true);
  TestShard test;
  constexpr unsigned threads = 3;
  constexpr unsigned each = 500;
  std::vector<unsigned> order;
  Signal all;
  std::vector<Note> notes(threads * each);
  const auto body = [&]() -> Task<> { co_await all.wait(); };
  std::vector<std::thread> senders;
  for (unsigned t = 0; t < threads; ++t) {
    senders.emplace_back([&, t] {
      for (unsigned i = 0; i < each; ++i) {
        Note& note = notes[t * each + i];
        note.order = &order;
        note.number = t * each + i;
        note.expected = notes.size();
        note.all = &all;
        test.shard->post(note);
      }
    });
  }
  const Task<> task = body();
  test.shard->run_until(task);
  for (auto& sender : senders) sender.join();
  REQUIRE(order.size() == notes.size());
  std::vector<unsigned> last(threads, 0);
  bool good = true;
  for (const unsigned number : order) {
    unsigned& previous = last[number / each];
    good = good && number % each >= previous && notes[number].seen_on == test.shard.get();
    previous = number % each;
  }
  CHECK(good);
}

TEST_CASE("shard: a value is delivered to another shard's completion, or comes back as an error") {
  const Seed seed(2, true);
  struct Got : Completion {
    Got() : Completion(&Got::on) {}
    static void on(Completion& self, Outcome outcome) {
      auto& got = static_cast<Got&>(self);
      got.value = outcome.result;
      got.came.notify();
    }
    std::int32_t value = 0;
    Signal came;
  } got;
  std::atomic<Shard*> receiver{nullptr};
  std::atomic<bool> received{false};
  std::atomic<bool> sent{false};
  std::thread other([&] {
    TestShard test;
    receiver.store(test.shard.get());
    const auto body = [&]() -> Task<> { co_await got.came.wait(); };
    const Task<> task = body();
    test.shard->run_until(task);
    received.store(true);
    while (!sent.load()) std::this_thread::yield();
  });
  while (receiver.load() == nullptr) std::this_thread::yield();
  TestShard test;
  const auto body = [&]() -> Task<> {
    CHECK(co_await test.shard->deliver(*receiver.load(), got, 4711));
  };
  const Task<> task = body();
  test.shard->run_until(task);
  while (!received.load()) std::this_thread::yield();
  CHECK(got.value == 4711);

  Got own;
  const auto self = [&]() -> Task<> { CHECK(co_await test.shard->deliver(*test.shard, own, 3)); };
  CHECK(self().done());
  CHECK(own.value == 3);
  sent.store(true);
  other.join();
}

TEST_CASE("shard: run() ends when it was stopped and no task runs") {
  on_shard([](Shard& shard) -> Task<> {
    CHECK(&Shard::current() == &shard);
    co_return;
  });
  const Seed seed(3);
  TestShard test;
  bool ended = false;
  const auto body = [&]() -> Task<> {
    test.shard->stop();
    co_await sleep_for(30);
    ended = true;
  };
  test.shard->tasks().adopt(body());
  test.shard->run();
  CHECK(ended);
}
