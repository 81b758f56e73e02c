// Limits, deadlines and draining of connections. Deadlines of seconds pass at once on the fake
// ring; the real one skips those cases.
#include "tests/http/connection_driver.h"

#include "http/limits.h"
#include "http/proxy.h"

using namespace millrace;
using namespace millrace::http::test;
using engine::Shard;
using tests::on_shard;

TEST_CASE("connection: heads over their limits are 414 and 431") {
  on_shard([](Shard& shard) -> Task<> {
    const std::string long_field = "X: " + std::string(9000, 'x') + "\r\n";
    std::string many;
    for (unsigned i = 0; i < 101; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
    std::string large;
    for (unsigned i = 0; i < 20; ++i) large += "X: " + std::string(4000, 'x') + "\r\n";
    for (const auto& [text, status] :
         std::vector<std::pair<std::string, int>>{{request("/" + std::string(17'000, 'a')), 414},
                                                  {request("/hello", long_field), 431},
                                                  {request("/hello", many), 431},
                                                  {request("/hello", large), 431}}) {
      Client client(shard, true);
      co_await client.send(text + request("/hello"));
      const std::string answer = co_await client.answer();
      CHECK(status_of(answer) == status);
      CHECK(co_await client.ended());
      CHECK(client.served == 0);
      co_await client.close();
    }
  });
}

TEST_CASE("connection: a head that never ends is 408 after its deadline") {
  if (!tests::ring_kind().fake) return;
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard, true);
    const auto before = shard.now_ns();
    co_await client.send("GET /hello HTTP/1.1\r\n");
    // Bytes now and then don't help: the deadline is the head's, not a byte's.
    for (unsigned i = 0; i < 3; ++i) {
      co_await engine::sleep_for(5000);
      co_await client.send("X-More: 1\r\n");
    }
    const std::string answer = co_await client.answer();
    CHECK(status_of(answer) == 408);
    const auto took = shard.now_ns() - before;
    CHECK(took >= http::limits::head_deadline_ms * 1'000'000ULL);
    CHECK(took < http::limits::head_deadline_ms * 1'100'000ULL);
    CHECK(co_await client.ended());
    CHECK(client.served == 0);
    co_await client.close();
  });
}

TEST_CASE("connection: an idle one is closed without a word") {
  if (!tests::ring_kind().fake) return;
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    co_await client.send(request("/hello"));
    CHECK(content_of(co_await client.answer()) == "hello");
    const auto before = shard.now_ns();
    CHECK(co_await client.ended());
    const auto took = shard.now_ns() - before;
    CHECK(took >= http::limits::idle_deadline_ms * 990'000ULL);
    CHECK(took < http::limits::idle_deadline_ms * 1'100'000ULL);
    co_await client.close();
  });
}

TEST_CASE("connection: a body without progress is given up") {
  if (!tests::ring_kind().fake) return;
  on_shard([](Shard& shard) -> Task<> {
    for (const std::string framing :
         {"Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"}) {
      Client client(shard);
      const auto before = shard.now_ns();
      co_await client.send(request("/sink", framing, "PUT") + "3\r\nab");
      const std::string answer = co_await client.answer();
      CHECK(status_of(answer) == 408);
      CHECK(has(answer, "\r\nConnection: close\r\n"));
      CHECK(shard.now_ns() - before >= http::limits::body_progress_ms * 1'000'000ULL);
      co_await client.close();
    }
  });
}

TEST_CASE("connection: a handler may take longer than any deadline") {
  if (!tests::ring_kind().fake) return;
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    for (const std::string& text :
         {request("/slow"), put("/late", "body"),
          request("/late", "Content-Length: 1\r\nExpect: 100-continue\r\n", "PUT")}) {
      co_await client.send(text);
      std::string answer = co_await client.answer();
      if (status_of(answer) == 100) {
        co_await client.send("x");
        answer = co_await client.answer();
      }
      CHECK(status_of(answer) == 200);
      CHECK_FALSE(has(answer, "Connection: close"));
    }
    co_await client.send(request("/hello"));
    CHECK(content_of(co_await client.answer()) == "hello");
    co_await client.close();
  });
}

TEST_CASE("connection: an answer that nobody reads is given up") {
  if (!tests::ring_kind().fake) return;
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    for (unsigned i = 0; i < 40; ++i) co_await client.send(request("/large"));
    const auto before = shard.now_ns();
    co_await shard.tasks().join();
    const auto took = shard.now_ns() - before;
    CHECK(took >= http::limits::send_progress_ms * 1'000'000ULL);
    CHECK(took < 2ULL * http::limits::send_progress_ms * 1'000'000ULL);
    CHECK(client.server.connection_count() == 0);
    co_await client.close();
  });
}

TEST_CASE("connection: draining closes idle ones, and busy ones after their answer") {
  on_shard([](Shard& shard) -> Task<> {
    {
      Client idle(shard);
      co_await idle.send(request("/hello"));
      CHECK(content_of(co_await idle.answer()) == "hello");
      co_await engine::sleep_for(10);
      idle.server.drain();
      idle.server.close_idle();
      CHECK(co_await idle.ended());
      co_await idle.close();
    }
    {
      Client busy(shard);
      co_await busy.send(request("/echo", "Content-Length: 3\r\n", "PUT"));
      co_await engine::sleep_for(10);
      busy.server.drain();
      busy.server.close_idle();
      co_await busy.send("abc");
      const std::string answer = co_await busy.answer();
      CHECK(content_of(answer) == "abc");
      CHECK(has(answer, "\r\nConnection: close\r\n"));
      CHECK(co_await busy.ended());
      co_await busy.close();
    }
    {
      Client stuck(shard);
      co_await stuck.send(request("/echo", "Content-Length: 3\r\n", "PUT"));
      co_await engine::sleep_for(10);
      stuck.server.close_all();
      co_await shard.tasks().join();
      co_await stuck.close();
    }
  });
}

TEST_CASE("connection: answers that close come before the drain, and keep nobody out") {
  on_shard([](Shard& shard) -> Task<> {
    Client kept(shard);
    co_await kept.send(request("/hello"));
    CHECK_FALSE(has(co_await kept.answer(), "Connection: close"));
    kept.server.close_after_answers();
    co_await engine::sleep_for(3 * http::limits::drain_idle_ms);
    co_await kept.send(request("/hello"));  // an idle connection is as good as before
    const std::string answer = co_await kept.answer();
    CHECK(content_of(answer) == "hello");
    CHECK(has(answer, "\r\nConnection: close\r\n"));
    CHECK(co_await kept.ended());
    co_await kept.close();
  });
}

TEST_CASE("connection: a request that has arrived when the drain begins is answered") {
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    co_await client.send(request("/hello"));
    CHECK(content_of(co_await client.answer()) == "hello");
    co_await engine::sleep_for(10);
    client.server.drain();
    client.server.close_idle();
    co_await client.send(request("/echo", "Content-Length: 3\r\n", "PUT"));
    co_await engine::sleep_for(3 * http::limits::drain_idle_ms);  // its body takes its time
    co_await client.send("abc");
    const std::string answer = co_await client.answer();
    CHECK(content_of(answer) == "abc");
    CHECK(has(answer, "\r\nConnection: close\r\n"));
    CHECK(co_await client.ended());
    co_await client.close();
  });
}

TEST_CASE("connection: over the limit of connections, the newest is closed at once") {
  on_shard([](Shard& shard) -> Task<> {
    engine::Balance balance(1);
    CHECK(balance.assign(0) == 0);
    Client client(shard, false, {.balance = &balance, .connections_max = 1});
    auto pair = tests::unix_pair();
    engine::Stream second(std::move(pair.client));
    CHECK(balance.assign(0) == 0);
    client.server.accept(std::move(pair.server), 0);
    const auto more = co_await second.readable();
    CHECK((more && !*more));
    CHECK(shard.page().connections_refused.get() == 1);
    co_await second.close();
    co_await client.send(request("/hello"));
    CHECK(content_of(co_await client.answer()) == "hello");
    co_await client.close();
    CHECK(shard.page().connections.get() == 0);
    CHECK(balance.assign(0) == 0);
  });
}

namespace {

// Answers the address that the connection is said to come from.
Task<> serve_peer(void*, http::Exchange& exchange) {
  const auto& in = reinterpret_cast<const sockaddr_in&>(exchange.connection().peer);
  exchange.begin(200);
  std::ignore =
      co_await exchange.send(in.sin_family == AF_INET ? std::to_string(ntohl(in.sin_addr.s_addr)) +
                                                            ":" + std::to_string(ntohs(in.sin_port))
                                                      : "other");
}

}  // namespace

TEST_CASE("connection: a trusted proxy introduces its client, split anywhere; others may not") {
  on_shard([](Shard& shard) -> Task<> {
    http::TrustedNetworks trusted;
    REQUIRE(trusted.add("127.0.0.0/8"));
    const std::string v2("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\0\0\0\0\0\x50\0\0",
                         28);
    const std::string v1 = "PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n";
    for (const std::string& introduction : {v1, v2}) {
      for (std::size_t split = 0; split <= introduction.size(); split += 5) {
        Client client(shard, true, {.handler = {&serve_peer, nullptr}, .proxies = &trusted});
        co_await client.send(introduction.substr(0, split));
        co_await client.send(introduction.substr(split) + request("/"));
        CHECK(content_of(co_await client.answer()) == "16909060:80");
        co_await client.send(request("/"));
        CHECK(content_of(co_await client.answer()) == "16909060:80");
        co_await client.close();
      }
    }
    {
      Client client(shard, true, {.handler = {&serve_peer, nullptr}, .proxies = &trusted});
      co_await client.send(request("/"));
      CHECK(co_await client.ended());
      co_await client.close();
    }
    Client client(shard, true);
    co_await client.send(v1 + request("/hello"));
    CHECK(status_of(co_await client.answer()) == 400);
    co_await client.close();
  });
}
