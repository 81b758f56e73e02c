// Connections from outside: bytes in, bytes out. Limits and deadlines: connection_limits_test.
#include "tests/http/connection_driver.h"

using namespace millrace;
using namespace millrace::http::test;
using engine::Shard;
using tests::on_shard;
using tests::pattern;

TEST_CASE("connection: an answer with all its fields, then another on the same connection") {
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    for (unsigned round = 0; round < 3; ++round) {
      co_await client.send(request("/hello"));
      const std::string answer = co_await client.answer();
      CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
      CHECK(has(answer, "\r\nDate: "));
      CHECK(has(answer, "\r\nServer: Millrace\r\n"));
      CHECK(has(answer, "\r\nContent-Length: 5\r\n"));
      CHECK_FALSE(has(answer, "Connection:"));
      CHECK(content_of(answer) == "hello");
    }
    CHECK(client.served == 3);
    co_await client.close();
  });
}

TEST_CASE("connection: pipelined requests are answered in order") {
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    const std::string large = pattern(150'000, 1);
    co_await client.send(request("/hello") + put("/echo", "abc") + put("/echo", large) +
                         request("/nothing") + put("/early", "unread") + request("/last"));
    CHECK(content_of(co_await client.answer()) == "hello");
    CHECK(content_of(co_await client.answer()) == "abc");
    CHECK((content_of(co_await client.answer()) == large));
    const std::string nothing = co_await client.answer();
    CHECK(status_of(nothing) == 204);
    CHECK_FALSE(has(nothing, "Content-Length"));
    CHECK(content_of(co_await client.answer()) == "early");
    CHECK(content_of(co_await client.answer()) == "last");
    co_await client.close();
  });
}

TEST_CASE("connection: every split of a request into two sends gives the same answer") {
  const std::string text = put("/echo", "0123456789") + request("/hello");
  for (std::size_t split = 1; split < text.size(); ++split) {
    CAPTURE(split);
    const tests::Seed seed(split);
    tests::TestShard test;
    const auto body = [&]() -> Task<> {
      Client client(*test.shard);
      co_await client.send(text.substr(0, split));
      co_await engine::sleep_for(1);
      co_await client.send(text.substr(split));
      CHECK(content_of(co_await client.answer()) == "0123456789");
      CHECK(content_of(co_await client.answer()) == "hello");
      co_await client.close();
    };
    const Task<> task = body();
    test.shard->run_until(task);
  }
}

TEST_CASE("connection: byte by byte") {
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    const std::string text = put("/sink", "0123456789") + request("/hello");
    for (const char c : text) co_await client.send({&c, 1});
    CHECK(content_of(co_await client.answer()) == "10");
    CHECK(content_of(co_await client.answer()) == "hello");
    co_await client.close();
  });
}

TEST_CASE("connection: bodies of many sizes, by length and chunked") {
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    for (const std::size_t size : {0U, 1U, 999U, 1000U, 8192U, 65'536U, 99'999U, 400'000U}) {
      const std::string body = pattern(size, size);
      std::string chunked = request("/echo", "Transfer-Encoding: chunked\r\n", "PUT");
      for (std::size_t at = 0; at < size;) {
        const std::size_t piece = std::min<std::size_t>(size - at, 1 + at * 7 % 30'000);
        char line[32];
        std::snprintf(line, sizeof line, "%zx\r\n", piece);
        chunked += line + body.substr(at, piece) + "\r\n";
        at += piece;
      }
      chunked += "0\r\n\r\n";
      const auto sender = [&]() -> Task<> {
        co_await client.send(put("/echo", body));
        co_await client.send(chunked);
        co_await client.send(put("/sink", body));
      };
      shard.tasks().adopt(sender());
      CHECK((content_of(co_await client.answer()) == body));
      CHECK((content_of(co_await client.answer()) == body));
      CHECK(content_of(co_await client.answer()) == std::to_string(size));
    }
    co_await client.close();
  });
}

TEST_CASE("connection: 100-continue comes when the body is read, and only then") {
  on_shard([](Shard& shard) -> Task<> {
    const std::string expect = "Content-Length: 3\r\nExpect: 100-continue\r\n";
    {
      Client client(shard);
      co_await client.send(request("/echo", expect, "PUT"));
      CHECK((co_await client.answer()) == "HTTP/1.1 100 Continue\r\n\r\n");
      co_await client.send("abc" + request("/hello"));
      CHECK(content_of(co_await client.answer()) == "abc");
      CHECK(content_of(co_await client.answer()) == "hello");
      co_await client.close();
    }
    {
      Client client(shard);
      co_await client.send(request("/early", expect, "PUT"));
      const std::string answer = co_await client.answer();
      CHECK(status_of(answer) == 200);
      CHECK(has(answer, "\r\nConnection: close\r\n"));
      CHECK(co_await client.ended());
      co_await client.close();
    }
    {
      Client client(shard);
      co_await client.send(request("/hello", "Expect: 100-continue\r\n"));
      CHECK(content_of(co_await client.answer()) == "hello");
      co_await client.close();
    }
  });
}

TEST_CASE("connection: HEAD gets the length and no content") {
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    co_await client.send(request("/large", "", "HEAD") + request("/hello"));
    const std::string head = co_await client.answer(true);
    CHECK(has(head, "\r\nContent-Length: 300000\r\n"));
    CHECK(content_of(co_await client.answer()) == "hello");
    co_await client.close();
  });
}

TEST_CASE("connection: who wants it closed gets it closed, HTTP/1.0 unless it asks otherwise") {
  on_shard([](Shard& shard) -> Task<> {
    for (const std::string& text :
         {request("/hello", "Connection: close\r\n"), std::string("GET /hello HTTP/1.0\r\n\r\n")}) {
      Client client(shard);
      co_await client.send(text + request("/ignored"));
      const std::string answer = co_await client.answer();
      CHECK(has(answer, "\r\nConnection: close\r\n"));
      CHECK(content_of(answer) == "hello");
      CHECK(co_await client.ended());
      CHECK(client.served == 1);
      co_await client.close();
    }
    Client client(shard);
    for (unsigned round = 0; round < 2; ++round) {
      co_await client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      CHECK(has(co_await client.answer(), "\r\nConnection: keep-alive\r\n"));
    }
    co_await client.close();
  });
}

TEST_CASE("connection: an early answer is seen although the body was never read") {
  on_shard([](Shard& shard) -> Task<> {
    for (const std::string path : {"/refuse", "/early"}) {
      for (const std::size_t size : {100'000U, 3'000'000U}) {
        Client client(shard, true);
        const std::string text = put(path, pattern(size));
        const auto sender = [&]() -> Task<> {
          std::ignore = co_await client.stream->send(tests::bytes_of(text));
        };
        const Task<> sending = sender();
        const std::string answer = co_await client.answer();
        CHECK(content_of(answer) == path.substr(1));
        CHECK(has(answer, "Connection: close") == (path == "/refuse" || size > 1'048'576));
        client.stream->shut_down();
        while (!sending.done()) co_await engine::sleep_for(1);
        co_await client.close();
      }
    }
  });
}

TEST_CASE("connection: nothing behind a refused head is served") {
  on_shard([](Shard& shard) -> Task<> {
    for (const auto& [text, status] : std::vector<std::pair<std::string, int>>{
             {"GET /hello HTTP/1.1\r\n\r\n", 400},
             {"GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
              "Transfer-Encoding: chunked\r\n\r\n",
              400},
             {"BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n", 501},
             {"GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 505},
             {request("/hello", "Expect: a miracle\r\n"), 417}}) {
      Client client(shard, true);
      co_await client.send(text + request("/hello"));
      const std::string answer = co_await client.answer();
      CHECK(status_of(answer) == status);
      CHECK(has(answer, "\r\nConnection: close\r\n"));
      CHECK(co_await client.ended());
      CHECK(client.served == 0);
      co_await client.close();
    }
  });
}

TEST_CASE("connection: a body whose chunks break the rules ends the connection after the answer") {
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard, true);
    co_await client.send(request("/echo", "Transfer-Encoding: chunked\r\n", "PUT") +
                         "3\r\nabcX\r\n0\r\n\r\n" + request("/hello"));
    const std::string answer = co_await client.answer();
    CHECK(status_of(answer) == 400);
    CHECK(has(answer, "\r\nConnection: close\r\n"));
    CHECK(co_await client.ended());
    CHECK(client.served == 1);
    co_await client.close();
  });
}

TEST_CASE("connection: a client that leaves in the middle is let go, wherever that is") {
  const std::string text = put("/echo", pattern(50)) + request("/large");
  for (std::size_t cut = 0; cut <= text.size(); cut += 3) {
    CAPTURE(cut);
    const tests::Seed seed(cut);
    tests::TestShard test;
    const auto body = [&]() -> Task<> {
      Client client(*test.shard, cut % 2 == 0);
      co_await client.send(text.substr(0, cut));
      co_await client.close();
    };
    const Task<> task = body();
    test.shard->run_until(task);
  }
}

TEST_CASE("connection: a handler without an answer ends the connection") {
  on_shard([](Shard& shard) -> Task<> {
    Client client(shard);
    co_await client.send(request("/mute"));
    CHECK(co_await client.ended());
    co_await client.close();
  });
}
