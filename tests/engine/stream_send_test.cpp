// Sending: to slow peers, to none, and slices of files by every way they can go.
#include "engine/file.h"
#include "engine/stream.h"

#include "tests/engine/shard_driver.h"

using namespace millrace::engine;
using namespace millrace::tests;

namespace {

struct SendFile {
  TemporaryDirectory directory;
  std::string content = pattern(1'700'000);
  Descriptor file{::openat(directory.fd(), "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600)};

  SendFile() {
    REQUIRE(::write(file.get(), content.data(), content.size()) ==
            static_cast<ssize_t>(content.size()));
  }
};

Task<> send_slice(Stream& stream, FileSource source, Result<>& outcome) {
  outcome = co_await stream.send_file(source);
  stream.shut_down_sending();
}

}  // namespace

TEST_CASE("send: more than any socket buffer holds, to a reader that takes its time") {
  on_shard([](Shard& shard) -> Task<> {
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    Stream peer(std::move(pair.client));
    const std::string text = pattern(2'000'000);
    const auto sender = [&]() -> Task<> {
      CHECK(co_await stream.send(bytes_of(text), true));
      CHECK(co_await stream.send(bytes_of("end")));
      stream.shut_down_sending();
    };
    shard.tasks().adopt(sender());
    co_await sleep_for(20);
    const auto turns = shard.page().turns.get();
    co_await sleep_for(200);
    // A full socket is waited for, not asked again and again.
    CHECK(shard.page().turns.get() - turns < 50);
    const std::string got = co_await read_all(peer);
    CHECK(got.size() == text.size() + 3);
    CHECK((got == text + "end"));
    co_await peer.close();
    co_await stream.close();
  });
}

TEST_CASE("send: to a peer that has gone is an error, not a signal") {
  on_shard([](Shard&) -> Task<> {
    const SendFile f;
    for (const bool file : {false, true}) {
      SocketPair pair = unix_pair();
      Stream stream(std::move(pair.server));
      pair.client.reset();
      const auto sent = file ? co_await stream.send_file({f.file.get(), 0, 1'000'000, true})
                             : co_await stream.send(bytes_of(f.content));
      REQUIRE_FALSE(sent);
      CHECK((sent.error().is(EPIPE) || sent.error().is(ECONNRESET)));
      co_await stream.close();
    }
  });
}

TEST_CASE("send: a deadline for both ways ends a send that makes no progress") {
  on_shard([](Shard& shard) -> Task<> {
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    const std::string text = pattern(4'000'000);
    const auto before = shard.now_ns();
    stream.arm_deadline(80);
    CHECK_FALSE(co_await stream.send(bytes_of(text)));
    CHECK(stream.timed_out());
    CHECK(shard.now_ns() - before >= 80'000'000);
    co_await stream.close();
  });
}

TEST_CASE("send_file: what was in the page cache and settled is remembered from send to send") {
  if (ring_kind().fake) return;  // there resident() is as the seed has it
  on_shard([](Shard& shard) -> Task<> {
    const SendFile f;
    Cached cached;
    const auto send = [&](std::uint64_t offset, std::uint64_t bytes) -> Task<> {
      SocketPair pair = unix_pair();
      Stream stream(std::move(pair.server));
      Stream peer(std::move(pair.client));
      Result<> outcome;
      shard.tasks().adopt(
          send_slice(stream, {f.file.get(), offset, bytes, true, &cached}, outcome));
      const std::string got = co_await read_all(peer);
      co_await shard.tasks().join();
      CHECK(outcome);
      CHECK((got == f.content.substr(offset, bytes)));
      co_await peer.close();
      co_await stream.close();
    };
    const bool known = shard.ring().resident(f.file.get(), 0, f.content.size(), false);
    co_await send(500'000, 1000);
    CHECK(cached.settled_bytes == 0);  // not of the front
    co_await send(0, 400'000);
    CHECK(cached.settled_bytes == (known ? 400'000 : 0));
    co_await send(0, f.content.size());
    CHECK(cached.settled_bytes == (known ? f.content.size() : 0));
    co_await send(0, 1000);
    CHECK(cached.settled_bytes == (known ? f.content.size() : 0));
    co_await sleep_for(150);  // longer than what was looked for is believed to be there
    REQUIRE(::fsync(f.file.get()) == 0);
    REQUIRE(::posix_fadvise(f.file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
    if (shard.ring().resident(f.file.get(), 0, f.content.size(), false)) co_return;
    co_await send(0, f.content.size());
    CHECK(cached.settled_bytes == 0);
  });
}

TEST_CASE("send_file: progress begins the deadline anew, so a slow whole may take longer") {
  on_shard([](Shard& shard) -> Task<> {
    const SendFile f;
    SocketPair pair = unix_pair();
    Stream stream(std::move(pair.server));
    Stream peer(std::move(pair.client));
    const auto before = shard.now_ns();
    stream.arm_deadline(400);
    Result<> outcome;
    shard.tasks().adopt(send_slice(stream, {f.file.get(), 0, f.content.size(), true}, outcome));
    std::string got;
    for (;;) {
      std::vector<std::byte> piece(100'000);
      const auto count = co_await peer.read(piece);
      REQUIRE(count);
      got += text_of(std::span(piece).first(*count));
      if (*count < piece.size()) break;
      co_await sleep_for(40);
    }
    co_await shard.tasks().join();
    CHECK(outcome);
    CHECK_FALSE(stream.timed_out());
    CHECK(shard.now_ns() - before > 400'000'000);
    CHECK((got == f.content));
    co_await peer.close();
    co_await stream.close();
  });
}

TEST_CASE("send_file: local and copied slices arrive exactly") {
  on_shard([](Shard& shard) -> Task<> {
    const SendFile f;
    for (const bool local : {true, false}) {
      for (const auto& [offset, bytes] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
               {0, f.content.size()}, {1, 4095}, {4096, 600'000}, {1'699'999, 1}, {5, 0}}) {
        CAPTURE(local);
        CAPTURE(offset);
        SocketPair pair = unix_pair();
        Stream stream(std::move(pair.server));
        Stream peer(std::move(pair.client));
        Result<> outcome;
        shard.tasks().adopt(send_slice(stream, {f.file.get(), offset, bytes, local}, outcome));
        const std::string got = co_await read_all(peer);
        co_await shard.tasks().join();
        CHECK(outcome);
        CHECK((got == f.content.substr(offset, bytes)));
        co_await peer.close();
        co_await stream.close();
      }
    }
  });
}

TEST_CASE("send_file: a file that is shorter than promised is eof") {
  on_shard([](Shard& shard) -> Task<> {
    const SendFile f;
    for (const bool local : {true, false}) {
      SocketPair pair = unix_pair();
      Stream stream(std::move(pair.server));
      Stream peer(std::move(pair.client));
      Result<> outcome;
      shard.tasks().adopt(send_slice(stream, {f.file.get(), 1'600'000, 200'000, local}, outcome));
      const std::string got = co_await read_all(peer);
      co_await shard.tasks().join();
      REQUIRE_FALSE(outcome);
      CHECK(outcome.error().code == Errc::eof);
      CHECK(got.size() <= 100'000);
      co_await peer.close();
      co_await stream.close();
    }
  });
}
