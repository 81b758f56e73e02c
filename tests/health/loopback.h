// A health service on loopback and a client that speaks raw bytes to it, for the tests of this
// folder. Blocking sockets with deadlines; the test's own thread.
#pragma once

#include "health/service.h"
#include "tests/skip.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace millrace::health::testing {

inline sockaddr_storage loopback_address(std::uint16_t port) {
  sockaddr_storage address{};
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(address);
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(port);
  ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// -1 when nobody listens.
inline engine::Descriptor connect_to(std::uint16_t port) {
  engine::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_storage address = loopback_address(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(sockaddr_in)) !=
      0) {
    socket.reset();
  }
  return socket;
}

inline void send_text(const engine::Descriptor& socket, std::string_view text) {
  REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size()));
}

inline std::string read_to_end(const engine::Descriptor& socket) {
  std::string text;
  char piece[4096];
  for (;;) {
    const auto got = ::recv(socket.get(), piece, sizeof piece, 0);
    REQUIRE(got >= 0);
    if (got == 0) return text;
    text.append(piece, static_cast<std::size_t>(got));
  }
}

struct Reply {
  std::string head;
  std::string body;

  int status() const { return std::atoi(head.c_str() + std::min<std::size_t>(9, head.size())); }
  std::string field(const std::string& name) const {
    const auto at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "(none)";
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

// One request whose answer ends the connection.
inline Reply ask(std::uint16_t port, std::string_view request) {
  const auto socket = connect_to(port);
  REQUIRE(socket.get() >= 0);
  send_text(socket, request);
  const std::string text = read_to_end(socket);
  const auto end = text.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  return {text.substr(0, end + 2), text.substr(end + 4)};
}

inline Reply get(std::uint16_t port, const std::string& target, const std::string& method = "GET") {
  return ask(port, method + " " + target + " HTTP/1.0\r\n\r\n");
}

// Whether it became so within the time.
template <class Condition>
bool eventually(Condition condition, int patience_ms = 4000) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

struct TemporaryDirectory {
  TemporaryDirectory() {
    path = (std::filesystem::temp_directory_path() / "millrace-health-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

inline std::uint64_t monotonic_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

// A service with pretended frontends, whose pages the test writes.
struct Rig {
  explicit Rig(std::size_t frontend_count = 1) : pages(frontend_count) {
    options.listen = {loopback_address(0)};
    options.agent_listen = {loopback_address(0)};
    options.logger = &logger;
    options.view = &view;
    options.frontends = pages;
    options.version = "1.2.3";
    options.durability = "strict";
    options.memory_max_bytes = 1ULL << 40;
    beat();
  }

  void start() {
    auto made = health::Service::start(std::move(options));
    REQUIRE(made.has_value());
    service = std::move(*made);
    port = service->ports()[0];
    agent_port = service->agent_ports()[0];
  }
  // As frontends that turn now, and (by default) for the rest of the test.
  void beat(std::uint64_t ahead_ns = 60'000'000'000) {
    for (auto& page : pages) page.heartbeat_ns.set(monotonic_ns() + ahead_ns);
  }
  bool becomes(const std::string& body) {
    return eventually([&] { return get(port, "/health/ready").body == body; });
  }

  engine::Logger logger{"/dev/null", engine::LogLevel::info};
  health::View view;
  std::vector<engine::StatusPage> pages;
  health::ServiceOptions options;
  std::unique_ptr<health::Service> service;
  std::uint16_t port = 0;
  std::uint16_t agent_port = 0;
};

}  // namespace millrace::health::testing
