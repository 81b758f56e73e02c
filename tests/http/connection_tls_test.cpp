// Connections over TLS: the same requests and answers, and what only TLS can do wrong.
#include "http/limits.h"
#include "http/proxy.h"
#include "tests/engine/tls_peer.h"
#include "tests/http/connection_driver.h"

using namespace millrace;
using namespace millrace::http::test;
using engine::Shard;
using tests::on_shard;
using tests::pattern;
using tests::TlsPeer;

namespace {

// A Client whose bytes go through TLS; the server's is the first of its connections.
struct TlsClient {
  explicit TlsClient(Shard& shard, http::ServerOptions options = {},
                     const tests::PeerOptions& peer_options = {})
      : client(shard, true, with_tls(options)), peer(*client.stream, peer_options) {}

  http::ServerOptions with_tls(http::ServerOptions options) {
    options.tls = &identity;
    return options;
  }

  static const tests::PemPair& pair() {
    static const tests::PemPair made = tests::make_pair("server");
    return made;
  }

  // One answer by its Content-Length; empty at the end of the connection.
  Task<std::string> answer() {
    for (;;) {
      const std::size_t end = got.find("\r\n\r\n");
      if (end != std::string::npos) {
        const auto at = got.find("Content-Length: ");
        const std::size_t length = at < end ? std::strtoul(got.c_str() + at + 16, nullptr, 10) : 0;
        if (got.size() >= end + 4 + length) {
          std::string taken = got.substr(0, end + 4 + length);
          got.erase(0, taken.size());
          co_return taken;
        }
      }
      const std::string piece = co_await peer.receive();
      if (piece.empty()) co_return std::exchange(got, {});
      got += piece;
    }
  }

  engine::TlsIdentity identity{tests::make_context(pair())};
  Client client;
  TlsPeer peer;
  std::string got;
};

}  // namespace

TEST_CASE("connection tls: requests one after the other, pipelined, and large both ways") {
  on_shard([](Shard& shard) -> Task<> {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      TlsClient one(shard, {}, {.version = version});
      CHECK(co_await one.peer.handshake());
      for (unsigned round = 0; round < 3; ++round) {
        co_await one.peer.send(request("/hello"));
        CHECK(content_of(co_await one.answer()) == "hello");
      }
      const std::string large = pattern(400'000);
      co_await one.peer.send(request("/hello") + put("/sink", large) + request("/nothing") +
                             put("/echo", "abc"));
      CHECK(content_of(co_await one.answer()) == "hello");
      CHECK(content_of(co_await one.answer()) == "400000");
      CHECK(status_of(co_await one.answer()) == 204);
      CHECK(content_of(co_await one.answer()) == "abc");
      co_await one.peer.send(request("/large"));
      CHECK((content_of(co_await one.answer()) == pattern(300'000)));
      co_await one.peer.send(request("/large", "Connection: close\r\n"));
      CHECK((content_of(co_await one.answer()) == pattern(300'000)));
      CHECK(co_await one.answer() == "");
      CHECK(one.peer.ended_well);
      CHECK(shard.page().tls_handshakes_failed.get() == 0);
      co_await one.client.close();
    }
    CHECK(shard.page().tls_handshakes.get() == 2);
    CHECK(shard.plain_blocks().in_use() == 0);
  });
}

TEST_CASE("connection tls: byte by byte, with a body to continue") {
  on_shard([](Shard& shard) -> Task<> {
    TlsClient one(shard, {}, {.segment_bytes = 1});
    CHECK(co_await one.peer.handshake());
    co_await one.peer.send(
        request("/echo", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "PUT"));
    CHECK(status_of(co_await one.answer()) == 100);
    co_await one.peer.send("5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n");
    CHECK(content_of(co_await one.answer()) == "abcdefgh");
    co_await one.client.close();
  });
}

TEST_CASE("connection tls: clear text is told so, in clear text") {
  on_shard([](Shard& shard) -> Task<> {
    TlsClient one(shard);
    co_await one.client.send(put("/echo", pattern(5'000)));
    const std::string answer = co_await one.client.answer();
    CHECK(status_of(answer) == 400);
    CHECK(content_of(answer) == "This port speaks TLS: ask with https.\n");
    CHECK(co_await one.client.ended());
    CHECK(one.client.served == 0);
    CHECK(shard.page().tls_handshakes_failed.get() == 1);
    co_await one.client.close();
  });
}

TEST_CASE("connection tls: who only connects has not failed; who sends rubbish has") {
  on_shard([](Shard& shard) -> Task<> {
    TlsClient one(shard);
    co_await one.client.close();
    CHECK(shard.page().tls_handshakes_failed.get() == 0);
    TlsClient two(shard);
    co_await two.client.send("\x16" + pattern(500));
    while (co_await two.client.more()) {
    }
    co_await two.client.close();
    CHECK(shard.page().tls_handshakes_failed.get() == 1);
  });
}

TEST_CASE("connection tls: a PROXY header comes before the handshake") {
  on_shard([](Shard& shard) -> Task<> {
    http::TrustedNetworks proxies;
    REQUIRE(proxies.add("127.0.0.0/8"));
    struct Seen {
      static Task<> serve(void* context, http::Exchange& exchange) {
        const auto& info = exchange.connection();
        const auto& peer = reinterpret_cast<const sockaddr_in&>(info.peer);
        *static_cast<bool*>(context) = info.tls && ntohl(peer.sin_addr.s_addr) == 0x01020304;
        exchange.begin(204);
        std::ignore = co_await exchange.send_nothing();
      }
    };
    bool right = false;
    TlsClient one(shard, {.handler = {&Seen::serve, &right}, .proxies = &proxies});
    co_await one.client.send("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n");
    CHECK(co_await one.peer.handshake());
    co_await one.peer.send(request("/"));
    CHECK(status_of(co_await one.answer()) == 204);
    CHECK(right);
    co_await one.client.close();
  });
}

TEST_CASE("connection tls: a handshake drawn out is ended at its deadline, however it dribbles") {
  if (!tests::ring_kind().fake) return;
  on_shard([](Shard& shard) -> Task<> {
    TlsClient one(shard);
    const auto before = shard.now_ns();
    std::ignore = SSL_do_handshake(one.peer.ssl());
    const std::string hello = one.peer.output();
    for (unsigned i = 0; i < 3; ++i) {
      co_await one.client.send(hello.substr(i, 1));
      co_await engine::sleep_for(5'000);
    }
    CHECK(co_await one.client.ended());
    const auto took = shard.now_ns() - before;
    CHECK(took >= http::limits::head_deadline_ms * 1'000'000ULL);
    CHECK(took < http::limits::head_deadline_ms * 1'100'000ULL);
    co_await one.client.close();
    CHECK(shard.page().tls_handshakes_failed.get() == 1);
  });
}

TEST_CASE("connection tls: a handshake that has begun outlasts the beginning of a drain") {
  on_shard([](Shard& shard) -> Task<> {
    TlsClient one(shard);
    std::ignore = SSL_do_handshake(one.peer.ssl());
    const std::string hello = one.peer.output();
    co_await one.client.send(hello.substr(0, 50));
    co_await engine::sleep_for(5);
    one.client.server.drain();
    one.client.server.close_idle();
    co_await engine::sleep_for(2 * http::limits::drain_idle_ms);
    co_await one.client.send(hello.substr(50));
    CHECK(co_await one.peer.handshake());
    co_await one.peer.send(request("/hello"));
    CHECK(content_of(co_await one.answer()) == "hello");
    CHECK(co_await one.answer() == "");
    co_await one.client.close();
  });
}

TEST_CASE("connection tls: draining ends idle connections with a word") {
  on_shard([](Shard& shard) -> Task<> {
    TlsClient one(shard);
    CHECK(co_await one.peer.handshake());
    co_await one.peer.send(request("/hello"));
    CHECK(content_of(co_await one.answer()) == "hello");
    one.client.server.drain();
    one.client.server.close_idle();
    CHECK(co_await one.answer() == "");
    // Nobody waits for room to say so; the fake's sockets are full at random.
    if (!tests::ring_kind().fake) CHECK(one.peer.ended_well);
    co_await one.client.close();
  });
}
