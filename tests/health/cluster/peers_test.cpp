// Two containers' peers' threads over the loopback, while other threads hand in and take out, as
// the member's does.
#include "health/cluster/peers.h"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

using namespace millrace;
using namespace millrace::health::cluster;

namespace {

constexpr const char* names[] = {"one", "two"};

Configuration both() {
  Configuration configuration;
  for (const char* name : names) configuration.containers.push_back({.name = name});
  return configuration;
}

struct Side {
  Figures figures;
  std::atomic<int> wanted{0};
  std::uint16_t port = 0;
  std::unique_ptr<Peers> peers;

  Side(const char* name, const char* key) {
    sockaddr_storage any{};
    auto& four = reinterpret_cast<sockaddr_in&>(any);
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto sockets = open_peer_sockets(std::span(&any, 1));
    REQUIRE(sockets.has_value());
    sockaddr_in bound{};
    socklen_t length = sizeof bound;
    ::getsockname(sockets->front().get(), reinterpret_cast<sockaddr*>(&bound), &length);
    port = ntohs(bound.sin_port);
    peers = std::make_unique<Peers>(PeersOptions{.name = name,
                                                 .run = 1,
                                                 .peer_key = key,
                                                 .sockets = std::move(*sockets),
                                                 .figures = &figures,
                                                 .on_wanted = [this] { ++wanted; }});
    peers->set_configuration(both(), 1);
    peers->set_phase(Phase::active, true);
  }
  // As what its beat file says.
  Beat beat(const char* name) const {
    return {.name = name,
            .counter = 1,
            .run = 1,
            .phase = Phase::active,
            .health_endpoints = {"http://127.0.0.1:" + std::to_string(port)}};
  }
  State other() const { return peers->seen().front().sight.state; }
};

bool within_10s(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

TEST_CASE("peers: two hear each other, and of a newer configuration, and that one leaves") {
  Side one("one", "key");
  Side two("two", "key");
  const Beat found = two.beat("two");
  one.peers->observe_beat("two", &found);  // the other learns the address from the datagram
  CHECK(within_10s([&] {
    one.peers->note_beat_written(1);
    two.peers->note_beat_written(1);
    return one.other() == State::active && two.other() == State::active;
  }));
  CHECK(within_10s([&] { return one.figures.containers_active == 2; }));
  two.peers->set_configuration(both(), 9);
  CHECK(within_10s([&] { return one.peers->generation_heard() == 9 && one.wanted > 0; }));
  two.peers->leave();
  CHECK(within_10s([&] { return one.other() == State::inactive; }));
  CHECK(one.figures.datagrams_refused == 0);
}

TEST_CASE("peers: those of another key are not heard") {
  Side one("one", "key");
  Side two("two", "another key");
  const Beat found = two.beat("two");
  one.peers->observe_beat("two", &found);
  CHECK(within_10s([&] { return two.figures.datagrams_refused > 3; }));
  CHECK(two.figures.datagrams_sent == 0);
  CHECK(one.other() == State::inactive);
}

TEST_CASE("peers: an address that is taken is an error") {
  Side one("one", "key");
  sockaddr_storage same{};
  auto& four = reinterpret_cast<sockaddr_in&>(same);
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  four.sin_port = htons(one.port);
  const auto refused = open_peer_sockets(std::span(&same, 1));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().is(EADDRINUSE));
}
