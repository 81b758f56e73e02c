// Receiving: every way bytes can come, stop coming, or come too fast.
#include "engine/stream.h"

#include "tests/engine/shard_driver.h"

#include <sys/ioctl.h>

using namespace millrace::engine;
using namespace millrace::tests;

namespace {

void put(int fd, std::string_view text) {
  REQUIRE(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

Task<> send_and_end(Stream& stream, std::string_view text) {
  const auto sent = co_await stream.send(bytes_of(text));
  CHECK(sent);
  stream.shut_down_sending();
}

}  // namespace

TEST_CASE("stream: bytes come in order, then the end, then the end again") {
  on_shard([](Shard&) -> Task<> {
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    CHECK(stream.available().empty());
    put(pair.client.get(), "hello ");
    put(pair.client.get(), "world");
    pair.client.reset();
    CHECK((co_await read_all(stream) == "hello world"));
    const auto again = co_await stream.readable();
    REQUIRE(again);
    CHECK_FALSE(*again);
    co_await stream.close();
  });
}

TEST_CASE("stream: consume byte by byte") {
  on_shard([](Shard&) -> Task<> {
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    const std::string text = pattern(20'000);
    put(pair.client.get(), text);
    std::string got;
    while (got.size() < text.size()) {
      const auto more = co_await stream.readable();
      REQUIRE(more);
      REQUIRE(*more);
      got += static_cast<char>(stream.available()[0]);
      stream.consume(1);
    }
    CHECK((got == text));
    co_await stream.close();
  });
}

TEST_CASE("stream: read() fills what was asked for, small, large and mixed") {
  on_shard([](Shard& shard) -> Task<> {
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    Stream peer(std::move(pair.client));
    const std::string text = pattern(1'500'000);
    shard.tasks().adopt(send_and_end(peer, text));
    std::string got;
    for (const std::size_t size : {1U, 70U, 200'000U, 3U, 65'536U, 65'535U, 300'000U, 900'000U}) {
      std::vector<std::byte> into(size);
      const auto count = co_await stream.read(into);
      REQUIRE(count);
      if (got.size() + size <= text.size()) CHECK(*count == size);
      got += text_of(std::span(into).first(*count));
    }
    CHECK((got == text));
    co_await peer.close();
    co_await stream.close();
  });
}

TEST_CASE("stream: an unread backlog stops the receive, and reading it begins a new one") {
  on_shard([](Shard& shard) -> Task<> {
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    Stream peer(std::move(pair.client));
    const std::string text = pattern(3'000'000);
    shard.tasks().adopt(send_and_end(peer, text));
    std::string got;
    for (;;) {
      const auto more = co_await stream.readable();
      REQUIRE(more);
      if (!*more) break;
      // Time for the backlog to fill and its cancel to come, then all of it at once: the next
      // wait may meet a receive that is just ending.
      if (got.size() % 7 < 2) co_await sleep_for(1);
      while (!stream.available().empty()) {
        got += text_of(stream.available());
        stream.consume(stream.available().size());
      }
    }
    CHECK(got.size() == text.size());
    CHECK((got == text));
    co_await peer.close();
    co_await stream.close();
  });
}

TEST_CASE("stream: thousands of tiny unread segments hold few receive buffers") {
  on_shard([](Shard&) -> Task<> {
    SocketPair pair = tcp_pair();
    Stream stream(std::move(pair.server));
    Stream peer(std::move(pair.client));
    // The first byte arms the receive; nobody reads the others.
    CHECK(co_await peer.send(bytes_of("!")));
    CHECK(co_await stream.readable());
    std::string text = "!";
    for (unsigned i = 0; i < 600; ++i) {
      const char c = static_cast<char>('a' + i % 26);
      CHECK(co_await peer.send(bytes_of({&c, 1})));
      text += c;
      if (i % 64 == 0) co_await sleep_for(1);
    }
    co_await sleep_for(10);
    peer.shut_down_sending();
    // The fake may have ended the receive by itself meanwhile.
    if (!ring_kind().fake) CHECK(stream.available().size() == text.size());
    CHECK((co_await read_all(stream) == text));
    co_await peer.close();
    co_await stream.close();
  });
}

TEST_CASE("stream: a peer that never reads nor ends is waited for, until close()") {
  on_shard([](Shard& shard) -> Task<> {
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    bool ended = false;
    const auto reader = [&]() -> Task<> {
      const auto more = co_await stream.readable();
      CHECK((more && !*more));
      ended = true;
    };
    shard.tasks().adopt(reader());
    co_await sleep_for(50);
    CHECK_FALSE(ended);
    stream.shut_down();
    co_await shard.tasks().join();
    CHECK(ended);
    co_await stream.close();
  });
}

TEST_CASE("stream: close while the receive is armed gives everything back") {
  on_shard([](Shard& shard) -> Task<> {
    for (unsigned round = 0; round < 5; ++round) {
      SocketPair pair = unix_pair();
      Stream stream(std::move(pair.server));
      put(pair.client.get(), pattern(30'000));
      CHECK(co_await stream.readable());
      const auto before = shard.now_ns();
      co_await stream.close();
      CHECK(shard.now_ns() - before < 1'000'000'000);
      // The peer sees the end (or a reset, for what was not read).
      char byte = 0;
      CHECK(::recv(pair.client.get(), &byte, 1, 0) <= 0);
    }
    // Every buffer is there again: more than all can hold passes through.
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    Stream peer(std::move(pair.client));
    const std::string text = pattern(9'000'000);
    shard.tasks().adopt(send_and_end(peer, text));
    const std::string got = co_await read_all(stream);
    CHECK((got == text));
    co_await peer.close();
    co_await stream.close();
  });
}

TEST_CASE("stream: a receive deadline ends the waits, and sending goes on") {
  on_shard([](Shard& shard) -> Task<> {
    for (const bool large : {false, true}) {
      SocketPair pair = unix_pair();
      Stream stream(std::move(pair.server));
      const auto before = shard.now_ns();
      stream.arm_receive_deadline(100);
      std::vector<std::byte> into(large ? 100'000 : 10);
      const auto got = co_await stream.read(into);
      REQUIRE(got);
      CHECK(*got == 0);
      CHECK(stream.timed_out());
      CHECK(shard.now_ns() - before >= 100'000'000);
      CHECK(co_await stream.send(bytes_of("too late")));
      char text[16];
      CHECK(::recv(pair.client.get(), text, sizeof text, 0) == 8);
      co_await stream.close();
    }
  });
}

TEST_CASE("stream: a disarmed deadline does nothing") {
  on_shard([](Shard&) -> Task<> {
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    stream.arm_receive_deadline(20);
    stream.disarm_deadline();
    co_await sleep_for(60);
    CHECK_FALSE(stream.timed_out());
    put(pair.client.get(), "x");
    const auto more = co_await stream.readable();
    CHECK((more && *more));
    co_await stream.close();
  });
}

TEST_CASE("stream: a reset is an error that stays") {
  on_shard([](Shard&) -> Task<> {
    SocketPair pair = tcp_pair();
    Stream stream(std::move(pair.server));
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(pair.client.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    pair.client.reset();
    for (unsigned i = 0; i < 2; ++i) {
      const auto more = co_await stream.readable();
      REQUIRE_FALSE(more);
      CHECK(more.error().is(ECONNRESET));
    }
    std::vector<std::byte> into(100'000);
    CHECK_FALSE(co_await stream.read(into));
    co_await stream.close();
  });
}

TEST_CASE("stream: more readers than receive buffers are all served in the end") {
  on_shard([](Shard& shard) -> Task<> {
    constexpr unsigned streams = 24;
    std::vector<std::unique_ptr<Stream>> servers;
    std::vector<std::unique_ptr<Stream>> clients;
    const std::string text = pattern(60'000);
    unsigned good = 0;
    const auto reader = [&](Stream& stream) -> Task<> {
      const std::string got = co_await read_all(stream);
      if (got == text) ++good;
    };
    for (unsigned i = 0; i < streams; ++i) {
      SocketPair pair = unix_pair();
      servers.push_back(std::make_unique<Stream>(std::move(pair.server)));
      clients.push_back(std::make_unique<Stream>(std::move(pair.client)));
      shard.tasks().adopt(reader(*servers.back()));
      shard.tasks().adopt(send_and_end(*clients.back(), text));
    }
    co_await shard.tasks().join();
    CHECK(good == streams);
    for (auto& each : servers) co_await each->close();
    for (auto& each : clients) co_await each->close();
  });
}
