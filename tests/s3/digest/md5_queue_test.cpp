// The queue on a shard: right digests for any number that wait, all of a turn in one go, in order,
// no more a turn than is said, and no trace of those that are done.
#include "s3/digest/md5_queue.h"

#include "tests/engine/shard_driver.h"

#include <algorithm>
#include <random>
#include <vector>

using namespace millrace;
using s3::Md5;
using s3::Md5Kernel;
using s3::Md5Lane;
using s3::Md5Queue;

namespace {

std::vector<std::byte> random_bytes(std::size_t size, std::mt19937_64& random) {
  std::vector<std::byte> out(size);
  for (std::byte& byte : out) byte = static_cast<std::byte>(random());
  return out;
}

Md5::Digest digest_of(std::span<const std::byte> bytes) {
  Md5 md5;
  md5.update(bytes);
  return md5.finish();
}

// A kernel that writes down what it was asked for, and in which turn of the shard.
struct Call {
  std::uint64_t turn = 0;
  std::size_t lanes = 0;
  std::size_t blocks = 0;
};
std::vector<Call> calls;

constexpr Md5Kernel recording{
    .name = "recording",
    .lanes_min = 1,
    .advance = [](std::span<Md5Lane> lanes, std::size_t blocks) {
      calls.push_back({engine::Shard::current().turns(), lanes.size(), blocks});
      s3::md5_kernels().back().advance(lanes, blocks);
    }};

engine::Task<> update(Md5Queue& queue, Md5& md5, std::span<const std::byte> data,
                      std::string& trace, char name) {
  co_await queue.update(md5, data);
  trace += name;
}

// Ends with an outcome of the ring: a loop that is run until something is done looks after those,
// and would wait for its next heartbeat first.
engine::Task<> joined(engine::TaskGroup& group) {
  co_await group.join();
  co_await engine::Operation({.action = engine::Action::nop});
}

}  // namespace

TEST_CASE("md5 queue: digests are right for every kernel and any number of uploads") {
  std::vector<const Md5Kernel*> kernels{nullptr};
  for (const Md5Kernel& kernel : s3::md5_kernels()) kernels.push_back(&kernel);
  std::mt19937_64 random(1);
  for (const Md5Kernel* kernel : kernels) {
    for (std::size_t count = 1; count <= 20; ++count) {
      CAPTURE(count);
      tests::TestShard test;
      Md5Queue queue(kernel);
      const auto upload = [&](std::vector<std::byte> content) -> engine::Task<> {
        Md5 md5;
        for (std::size_t at = 0; at < content.size();) {
          const std::size_t size = std::min<std::size_t>(random() % 9'000, content.size() - at);
          co_await queue.update(md5, std::span(content).subspan(at, size));
          at += size;
          if (random() % 3 == 0) co_await engine::Yield{};
        }
        CHECK(md5.finish() == digest_of(content));
      };
      engine::TaskGroup group;
      for (std::size_t i = 0; i < count; ++i) {
        group.adopt(upload(random_bytes(random() % 40'000, random)));
      }
      const engine::Task<> all = joined(group);
      test.shard->run_until(all);
      const engine::Task<> rest = test.shard->tasks().join();
      test.shard->run_until(rest);
      CHECK(queue.waiting() == 0);
    }
  }
}

TEST_CASE("md5 queue: who waits in one turn is hashed in one go, and goes on in order") {
  tests::TestShard test;
  Md5Queue queue(&recording);
  calls.clear();
  std::string trace;
  std::mt19937_64 random(2);
  const auto content = random_bytes(64 * 100, random);
  std::vector<Md5> running(20);
  const auto body = [&]() -> engine::Task<> {
    engine::TaskGroup group;
    for (std::size_t i = 0; i < running.size(); ++i) {
      group.adopt(update(queue, running[i], content, trace, static_cast<char>('a' + i)));
    }
    CHECK(trace.empty());
    CHECK(queue.waiting() == 20);
    co_await joined(group);
  };
  const engine::Task<> task = body();
  test.shard->run_until(task);
  CHECK(trace == "abcdefghijklmnopqrst");
  REQUIRE(calls.size() == 2);
  CHECK((calls[0].lanes == 16 && calls[0].blocks == 100));
  CHECK((calls[1].lanes == 4 && calls[1].blocks == 100));
  for (Md5& md5 : running) CHECK(md5.finish() == digest_of(content));
}

// The tails of the longer pieces go on together; the last of many waits for company, one turn.
TEST_CASE("md5 queue: pieces of different lengths leave one by one") {
  tests::TestShard test;
  Md5Queue queue(&recording);
  calls.clear();
  std::string trace;
  std::mt19937_64 random(3);
  const auto content = random_bytes(64 * 500 + 7, random);
  std::vector<Md5> running(5);
  const std::size_t blocks[] = {400, 100, 500, 100, 300};
  const auto body = [&]() -> engine::Task<> {
    engine::TaskGroup group;
    for (std::size_t i = 0; i < running.size(); ++i) {
      group.adopt(update(queue, running[i], std::span(content).first(64 * blocks[i] + 7), trace,
                         static_cast<char>('a' + i)));
    }
    co_await joined(group);
  };
  const engine::Task<> task = body();
  test.shard->run_until(task);
  CHECK(trace == "bdeac");
  std::vector<std::size_t> lanes;
  for (const Call& call : calls) lanes.push_back(call.lanes);
  CHECK(lanes == std::vector<std::size_t>{5, 3, 2, 1});
  CHECK(calls[0].turn == calls[1].turn);
  CHECK(calls[2].turn > calls[1].turn);
  for (std::size_t i = 0; i < running.size(); ++i) {
    CHECK(running[i].finish() == digest_of(std::span(content).first(64 * blocks[i] + 7)));
  }
}

TEST_CASE("md5 queue: a turn has a bound, and others go on between") {
  tests::TestShard test;
  Md5Queue queue(&recording);
  calls.clear();
  std::string trace;
  std::mt19937_64 random(4);
  const auto content = random_bytes(64 * 3 * Md5Queue::turn_steps_max, random);
  std::vector<Md5> running(3);
  unsigned turns_between = 0;
  const auto body = [&]() -> engine::Task<> {
    engine::TaskGroup group;
    for (Md5& md5 : running) group.adopt(update(queue, md5, content, trace, 'x'));
    while (trace.empty()) {
      co_await engine::Yield{};
      ++turns_between;
    }
    co_await joined(group);
  };
  const engine::Task<> task = body();
  test.shard->run_until(task);
  CHECK(turns_between >= 3);
  REQUIRE(calls.size() == 3);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CHECK(calls[i].blocks == Md5Queue::turn_steps_max);
    CHECK(calls[i].lanes == 3);
    if (i > 0) CHECK(calls[i].turn > calls[i - 1].turn);
  }
  for (Md5& md5 : running) CHECK(md5.finish() == digest_of(content));
}

TEST_CASE("md5 queue: short pieces and empty ones don't wait") {
  tests::TestShard test;
  Md5Queue queue;
  Md5 md5;
  std::string trace;
  const std::vector<std::byte> content(Md5Queue::queued_bytes_min);
  const engine::Task<> none = update(queue, md5, {}, trace, 'a');
  const engine::Task<> little = update(queue, md5, std::span(content).subspan(1), trace, 'b');
  CHECK((none.done() && little.done()));
  const engine::Task<> enough = update(queue, md5, content, trace, 'c');
  CHECK(enough.done() == s3::md5_kernels().empty());
  test.shard->run_until(enough);
  CHECK(trace == "abc");
  CHECK(md5.finish() == digest_of(std::vector<std::byte>(2 * content.size() - 1)));
}

// A request that was waiting may be the last thing that kept the queue, as at the end of a server.
TEST_CASE("md5 queue: it may go with the last one that waited") {
  tests::TestShard test;
  const std::vector<std::byte> content(100'000);
  const auto body = [&]() -> engine::Task<> {
    Md5Queue queue;
    Md5 md5;
    co_await queue.update(md5, content);
    CHECK(md5.finish() == digest_of(content));
  };
  const engine::Task<> task = body();
  test.shard->run_until(task);
  const engine::Task<> rest = test.shard->tasks().join();
  test.shard->run_until(rest);
  CHECK(test.shard->tasks().running() == 0);
}
