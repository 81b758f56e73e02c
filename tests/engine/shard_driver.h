// A shard for one test, on the test's own thread, and pairs of sockets to go with it.
#pragma once

#include "engine/operation.h"
#include "engine/stream.h"
#include "tests/ring_kind.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tests {

struct TestShard {
  TestShard() {
    auto made = engine::Shard::create({.page = page.get(), .log = &log});
    REQUIRE(made);
    shard = std::move(*made);
  }
  std::unique_ptr<engine::StatusPage> page = std::make_unique<engine::StatusPage>();
  engine::LogChannel log{engine::LogLevel::off};
  std::unique_ptr<engine::Shard> shard;
};

// Runs `body(shard)`, a coroutine, to its end on a shard of its own: once on the real ring, and
// with each seed on the fake. What it adopted must have ended too.
template <class Body>
void on_shard(Body body) {
  for (unsigned seed = 0; seed < ring_kind().seeds; ++seed) {
    CAPTURE(seed);
    const Seed installed(seed);
    TestShard test;
    const engine::Task<> task = body(*test.shard);
    test.shard->run_until(task);
    const engine::Task<> rest = test.shard->tasks().join();
    test.shard->run_until(rest);
  }
}

struct SocketPair {
  engine::Descriptor server;  // non-blocking, as accepted ones are
  engine::Descriptor client;  // blocking
};

inline SocketPair unix_pair() {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
  return {engine::Descriptor(fds[0]), engine::Descriptor(fds[1])};
}

inline sockaddr_storage loopback(std::uint16_t port = 0) {
  sockaddr_storage address{};
  auto& in = reinterpret_cast<sockaddr_in&>(address);
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline std::uint16_t port_of(int socket) {
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.sin_port);
}

inline engine::Descriptor connect_to(std::uint16_t port) {
  engine::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_storage address = loopback(port);
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                    sizeof(sockaddr_in)) == 0);
  return socket;
}

inline SocketPair tcp_pair() {
  engine::Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_storage address = loopback();
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(sockaddr_in)) == 0);
  REQUIRE(::listen(listener.get(), 1) == 0);
  SocketPair pair;
  pair.client = connect_to(port_of(listener.get()));
  pair.server =
      engine::Descriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  REQUIRE(pair.server);
  return pair;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Bytes that differ everywhere, so that a misplaced piece shows.
inline std::string pattern(std::size_t size, std::uint64_t salt = 0) {
  std::string text(size, '\0');
  std::uint64_t state = 0x9e3779b97f4a7c15ULL + salt;
  for (char& c : text) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    c = static_cast<char>(state >> 56);
  }
  return text;
}

// Everything until the peer ends its side.
inline engine::Task<std::string> read_all(engine::Stream& stream) {
  std::string got;
  for (;;) {
    const auto more = co_await stream.readable();
    if (!more || !*more) co_return got;
    got += text_of(stream.available());
    stream.consume(stream.available().size());
  }
}

// Whole directory for a test's files; removed with everything in it.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& above = "/tmp")
      : path_(above + "/millrace-test-XXXXXX") {
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
    fd_ = engine::Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  engine::Descriptor fd_;
};

inline TemporaryDirectory::~TemporaryDirectory() {
  const std::string command = "rm -rf '" + path_ + "'";
  [[maybe_unused]] const int status = std::system(command.c_str());
}

}  // namespace millrace::tests
