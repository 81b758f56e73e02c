// Listeners: connections are spread evenly over shards, failures are outlived, stop() stops.
#include "engine/acceptor.h"
#include "engine/shard_set.h"

#include "tests/engine/shard_driver.h"

#include <sys/resource.h>

#include <atomic>
#include <thread>

using namespace millrace::engine;
using namespace millrace::tests;

namespace {

// Two shards with one listener; accepted sockets are kept, and counted by shard.
struct Acceptors {
  explicit Acceptors(unsigned count, std::uint16_t on_port = 0)
      : shard_count(count),
        balance(count),
        port(on_port),
        acceptors(count),
        peers(count),
        shards(count),
        sockets(count),
        pages(count) {
    ShardSetOptions options;
    for (unsigned i = 0; i < count; ++i) options.processors.push_back(0);
    options.logger = &logger;
    options.pages = pages;
    // The first shard picks the port; the others share it.
    first = listen_on(loopback(), true).value();
    port = port_of(first.get());
    auto started = ShardSet::start(
        options, {.prepare = &prepare, .begin = &begin, .end = &end, .context = this});
    REQUIRE(started);
    set = std::move(*started);
  }

  static Result<> prepare(void* context, Shard& shard) {
    auto& self = *static_cast<Acceptors*>(context);
    const unsigned index = shard.index();
    self.shards[index] = &shard;
    auto listener =
        index == 0 ? std::move(self.first) : listen_on(loopback(self.port), true).value();
    self.acceptors[index] = std::make_unique<Acceptor>(shard, std::move(listener), 7, self.balance,
                                                       ConnectionSink{&Acceptors::take, &self});
    self.peers[index] = self.acceptors[index].get();
    return {};
  }
  static void begin(void* context, Shard& shard) {
    auto& self = *static_cast<Acceptors*>(context);
    self.acceptors[shard.index()]->start(self.peers, self.shards);
  }
  static void end(void* context, Shard& shard) {
    auto& self = *static_cast<Acceptors*>(context);
    self.acceptors[shard.index()].reset();
    self.sockets[shard.index()].clear();
  }
  static void take(void* context, Shard& shard, Descriptor socket, unsigned listener) {
    auto& self = *static_cast<Acceptors*>(context);
    if (listener != 7) std::abort();
    self.sockets[shard.index()].push_back(std::move(socket));
    self.taken.fetch_add(1);
  }

  struct Stop : Message {
    explicit Stop(Acceptor& acceptor_in) : Message(&Stop::arrived), acceptor(acceptor_in) {}
    static void arrived(Message& self, Shard& shard) {
      static_cast<Stop&>(self).acceptor.stop();
      shard.stop();
    }
    Acceptor& acceptor;
  };
  void stop() {
    std::vector<std::unique_ptr<Stop>> stops;
    for (unsigned i = 0; i < shard_count; ++i) {
      stops.push_back(std::make_unique<Stop>(*acceptors[i]));
      shards[i]->post(*stops.back());
    }
    set->join();
  }

  void wait_for(unsigned count) const {
    while (taken.load() < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  const unsigned shard_count;
  Balance balance;
  std::uint16_t port;
  Descriptor first;
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::vector<Acceptor*> peers;
  std::vector<Shard*> shards;
  std::vector<std::vector<Descriptor>> sockets;
  std::atomic<unsigned> taken{0};
  Logger logger{"/dev/null", LogLevel::info};
  std::vector<StatusPage> pages;
  std::unique_ptr<ShardSet> set;
};

}  // namespace

TEST_CASE("balance: the fewest wins, ties go to the one who asks") {
  Balance balance(3);
  CHECK(balance.assign(1) == 1);
  CHECK(balance.assign(1) == 0);
  CHECK(balance.assign(1) == 2);
  CHECK(balance.assign(2) == 2);
  CHECK(balance.assign(2) == 0);
  balance.release(1);
  CHECK(balance.assign(0) == 1);
}

TEST_CASE("acceptor: four connections on two shards are two and two, by whomever they came") {
  const Seed seed(1, true);
  Acceptors two(2);
  std::vector<Descriptor> clients;
  for (unsigned i = 1; i <= 4; ++i) {
    clients.push_back(connect_to(two.port));
    two.wait_for(i);
  }
  two.stop();
  CHECK(two.taken.load() == 4);
  CHECK(two.pages[0].connections_accepted.get() == 2);
  CHECK(two.pages[1].connections_accepted.get() == 2);
}

TEST_CASE("acceptor: many connections at once all arrive somewhere") {
  const Seed seed(5, true);
  Acceptors two(2);
  std::vector<Descriptor> clients;
  for (unsigned i = 0; i < 200; ++i) clients.push_back(connect_to(two.port));
  two.wait_for(200);
  two.stop();
  CHECK(two.pages[0].connections_accepted.get() == 100);
  CHECK(two.pages[1].connections_accepted.get() == 100);
}

TEST_CASE("acceptor: without descriptors it waits, then takes what has queued up") {
  // The fake's accept fails by its plan instead: see ring_fake_test.
  if (ring_kind().fake) return;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  // The kernel keeps the limit that held when the accept was armed.
  rlimit low = before;
  low.rlim_cur = 100;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  Acceptors one(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  std::vector<Descriptor> fill;
  while (fill.empty() || fill.back().get() < 100) fill.emplace_back(::dup(0));
  const auto began = std::chrono::steady_clock::now();
  const Descriptor client = connect_to(one.port);
  one.wait_for(1);
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(40));
  one.stop();
}

TEST_CASE("acceptor: stop() closes the listener") {
  const Seed seed(1, true);
  Acceptors one(1);
  const auto port = one.port;
  one.stop();
  Descriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_storage address = loopback(port);
  CHECK(::connect(late.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(sockaddr_in)) !=
        0);
}

TEST_CASE("listen_on reports what the system said") {
  const Descriptor first = listen_on(loopback(), false).value();
  const auto second = listen_on(loopback(port_of(first.get())), false);
  REQUIRE_FALSE(second);
  CHECK(second.error().is(EADDRINUSE));
}
