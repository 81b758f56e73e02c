// The fake itself: it repeats exactly, injects what its plan says, and its sweeps find a bug
// that was put there for them.
#include "tests/fake/ring_fake.h"

#include "engine/acceptor.h"
#include "engine/file.h"
#include "tests/engine/shard_driver.h"

#include <atomic>
#include <thread>

using namespace millrace;
using namespace millrace::tests;
using engine::Action;
using engine::Shard;
using engine::Task;
namespace file = engine::file;

namespace {

// A small commit: staged, synced, renamed, directory synced. `careless`: goes on after a failed
// write, which a sweep must find.
Task<bool> commit(int directory, bool careless) {
  const auto fd = co_await file::open(directory, "staged", O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (!fd) co_return false;
  const auto put = co_await file::write(fd->get(), bytes_of("content"), 0);
  if (!put && !careless) co_return false;
  if (!co_await file::sync(fd->get())) co_return false;
  if (!co_await file::rename(directory, "staged", directory, "final")) co_return false;
  co_return static_cast<bool>(co_await file::sync(directory));
}

struct Run {
  bool promised = false;
  std::string content;
  std::uint64_t counted = 0;
  std::vector<fake::LogEntry> log;
};

Run run_commit(fake::Plan plan, bool careless = false) {
  const TemporaryDirectory directory;
  const fake::Scenario scenario(std::move(plan));
  Run run;
  {
    TestShard test;
    const auto body = [&]() -> Task<> { run.promised = co_await commit(directory.fd(), careless); };
    const Task<> task = body();
    test.shard->run_until(task);
  }
  const engine::Descriptor fd(::openat(directory.fd(), "final", O_RDONLY | O_CLOEXEC));
  char text[16];
  const auto size = fd ? ::read(fd.get(), text, sizeof text) : 0;
  run.content = std::string(text, static_cast<std::size_t>(size));
  run.counted = scenario.counted();
  run.log = scenario.log();
  return run;
}

// How often the commit promised what is not there, over every request that can fail.
unsigned broken_promises(bool careless, bool persistently) {
  fake::Plan plan = fake::Plan::plain();
  const std::uint64_t requests = run_commit(plan, careless).counted;
  REQUIRE(requests >= 5);
  unsigned broken = 0;
  for (std::uint64_t nth = 1; nth <= requests; ++nth) {
    plan.fail_nth = nth;
    plan.fail_persistently = persistently;
    const Run run = run_commit(plan, careless);
    if (run.promised && run.content != "content") ++broken;
  }
  return broken;
}

}  // namespace

TEST_CASE("fake: the sweep of the Nth failure passes good code and finds careless code") {
  CHECK(broken_promises(false, false) == 0);
  CHECK(broken_promises(false, true) == 0);
  CHECK(broken_promises(true, false) > 0);
}

TEST_CASE("fake: the log tells the order of effects, with paths and bytes") {
  fake::Plan plan = fake::Plan::plain();
  plan.log_bytes = true;
  const Run run = run_commit(plan);
  CHECK(run.promised);
  std::vector<Action> actions;
  std::string written;
  for (const auto& entry : run.log) {
    actions.push_back(entry.action);
    written += entry.bytes;
    CHECK(entry.took_effect);
    if (entry.action == Action::rename) {
      CHECK(entry.path.ends_with("/staged"));
      CHECK(entry.path2.ends_with("/final"));
    }
  }
  CHECK(written == "content");
  CHECK(actions ==
        std::vector{Action::open, Action::write, Action::fsync, Action::rename, Action::fsync});
}

TEST_CASE("fake: an effect may come although it is reported as failed") {
  fake::Plan plan = fake::Plan::plain();
  plan.fail_nth = 4;
  plan.fail_after_effect = true;
  const Run run = run_commit(plan);
  CHECK_FALSE(run.promised);
  CHECK(run.content == "content");
}

TEST_CASE("fake: a seed repeats itself exactly, another differs") {
  const auto trace = [](std::uint64_t seed) {
    fake::Plan plan;
    plan.seed = seed;
    const fake::Scenario scenario(plan);
    TestShard test;
    std::string text;
    const auto body = [&]() -> Task<> {
      SocketPair pair = unix_pair();
      engine::Stream left(std::move(pair.server));
      engine::Stream right(std::move(pair.client));
      const std::string content = pattern(200'000);
      const auto sender = [&]() -> Task<> {
        CHECK(co_await left.send(bytes_of(content)));
        left.shut_down_sending();
      };
      test.shard->tasks().adopt(sender());
      for (;;) {
        const auto more = co_await right.readable();
        if (!more || !*more) break;
        text += std::to_string(right.available().size()) + "@" +
                std::to_string(test.shard->now_ns()) + " ";
        right.consume(right.available().size());
      }
      co_await left.close();
      co_await right.close();
    };
    const Task<> task = body();
    test.shard->run_until(task);
    const Task<> rest = test.shard->tasks().join();
    test.shard->run_until(rest);
    return text;
  };
  CHECK(trace(5) == trace(5));
  CHECK(trace(5) != trace(6));
}

TEST_CASE("fake: an hour of sleep takes no time") {
  const fake::Scenario scenario(fake::Plan{});
  TestShard test;
  const auto body = [&]() -> Task<> {
    const auto wall = test.shard->wall_seconds();
    co_await engine::sleep_for(3'000'000);
    CHECK(test.shard->wall_seconds() - wall >= 3000);
  };
  const Task<> task = body();
  test.shard->run_until(task);
}

TEST_CASE("fake: faults come by their action, with one of their errnos") {
  fake::Plan plan = fake::Plan::plain();
  plan.faults = {{Action::open, 0.5, {ENOSPC, EMFILE}}};
  const TemporaryDirectory directory;
  const fake::Scenario scenario(plan);
  TestShard test;
  unsigned full = 0;
  unsigned many = 0;
  const auto body = [&]() -> Task<> {
    for (unsigned i = 0; i < 200; ++i) {
      const auto fd = co_await file::open(directory.fd(), ".", O_RDONLY);
      if (fd) continue;
      ++(fd.error().is(ENOSPC) ? full : many);
    }
  };
  const Task<> task = body();
  test.shard->run_until(task);
  CHECK(full > 20);
  CHECK(many > 20);
  CHECK(full + many < 180);
  CHECK(scenario.requests(Action::open) == 200);
  CHECK(scenario.injected() == full + many);
}

TEST_CASE("fake: a message to a ring that has gone is an error of the sender") {
  const fake::Scenario scenario(fake::Plan{});
  TestShard test;
  const auto body = [&]() -> Task<> {
    struct Never : engine::Completion {
      Never() : Completion([](Completion&, engine::Outcome) { std::abort(); }) {}
    } never;
    const int result = co_await engine::Operation(
        {.action = Action::message, .fd = 9999, .length = 1, .address = &never});
    CHECK(result == -EBADFD);
  };
  const Task<> task = body();
  test.shard->run_until(task);
}

TEST_CASE("acceptor: failed accepts and failed deliveries are outlived, and counted right") {
  for (std::uint64_t number = 0; number < 10; ++number) {
    fake::Plan plan;
    plan.seed = number;
    plan.faults = {{Action::accept_multishot, 0.5, {ENFILE, EMFILE, ECONNABORTED}},
                   {Action::message, 0.5, {ENOMEM, EOVERFLOW}}};
    const fake::Scenario scenario(plan);
    TestShard test;
    engine::Balance balance(2);
    struct Sink {
      std::vector<engine::Descriptor> sockets;
      engine::Signal came;
    } sink;
    auto listener = engine::listen_on(loopback(), false).value();
    const auto port = port_of(listener.get());
    engine::Acceptor acceptor(*test.shard, std::move(listener), 0, balance,
                              {[](void* context, Shard&, engine::Descriptor socket, unsigned) {
                                 auto& taken = *static_cast<Sink*>(context);
                                 taken.sockets.push_back(std::move(socket));
                                 taken.came.notify();
                               },
                               &sink});
    // Both places in the table are this shard: nothing leaves the thread.
    engine::Acceptor* const peers[] = {&acceptor, &acceptor};
    Shard* const shards[] = {test.shard.get(), test.shard.get()};
    acceptor.start(peers, shards);
    std::vector<engine::Descriptor> clients;
    for (unsigned i = 0; i < 6; ++i) clients.push_back(connect_to(port));
    const auto body = [&]() -> Task<> {
      while (sink.sockets.size() < 6) co_await sink.came.wait();
      acceptor.stop();
      co_await test.shard->tasks().join();
    };
    const Task<> task = body();
    test.shard->run_until(task);
    balance.release(0);
    balance.release(0);
    balance.release(0);
    balance.release(1);
    balance.release(1);
    balance.release(1);
  }
}

TEST_CASE("acceptor: a connection that can't be delivered is closed and not counted") {
  fake::Plan plan = fake::Plan::plain();
  plan.real_time = true;
  plan.faults = {{Action::message, 1.0, {ENOMEM}}};
  const fake::Scenario scenario(plan);
  std::atomic<Shard*> other_shard{nullptr};
  std::atomic<bool> done{false};
  std::thread other([&] {
    TestShard test;
    other_shard.store(test.shard.get());
    while (!done.load()) std::this_thread::yield();
  });
  while (other_shard.load() == nullptr) std::this_thread::yield();
  {
    TestShard test;
    engine::Balance balance(2);
    CHECK(balance.assign(0) == 0);  // so that the next one is for the other shard
    auto listener = engine::listen_on(loopback(), false).value();
    const auto port = port_of(listener.get());
    engine::Acceptor acceptor(*test.shard, std::move(listener), 0, balance, {});
    engine::Acceptor* const peers[] = {&acceptor, &acceptor};
    Shard* const shards[] = {test.shard.get(), other_shard.load()};
    acceptor.start(peers, shards);
    engine::Stream client(connect_to(port));
    const auto body = [&]() -> Task<> {
      const auto more = co_await client.readable();
      CHECK((more && !*more));
      co_await client.close();
      acceptor.stop();
      co_await test.shard->tasks().join();
    };
    const Task<> task = body();
    test.shard->run_until(task);
    CHECK(balance.assign(0) == 1);
  }
  done.store(true);
  other.join();
}

TEST_CASE("fake: calls on threads come back to the shard's own") {
  fake::Plan plan;
  plan.calls_on_threads = true;
  const TemporaryDirectory directory;
  const fake::Scenario scenario(plan);
  TestShard test;
  const auto body = [&]() -> Task<> {
    for (unsigned i = 0; i < 20; ++i) CHECK(co_await file::change_mode(directory.fd(), 0700));
  };
  const Task<> task = body();
  test.shard->run_until(task);
}
