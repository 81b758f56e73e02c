// One HTTP server on one test shard, spoken to over a socket by a client on the same shard.
#pragma once

#include "http/server.h"

#include "tests/engine/shard_driver.h"

#include <functional>
#include <string>
#include <string_view>

namespace millrace::http::test {

using engine::Task;

// A handler for tests, by path:
//   /hello     "hello"
//   /echo      the body, read whole
//   /sink      its length only, read in pieces of 1,000 bytes
//   /early     "early" at once, without reading the body
//   /refuse    403 and close, without reading the body
//   /slow      "slow" after 45 s
//   /late      reads the body, waits 45 s, answers "late"
//   /nothing   204
//   /large     300,000 bytes
//   /mute      never answers
inline Task<> serve_test(void* context, Exchange& exchange) {
  auto& served = *static_cast<unsigned*>(context);
  ++served;
  const auto path = exchange.head().path;
  const auto answer = [&](int status, std::string_view content) -> Task<> {
    std::ignore = exchange.begin(status).field("Content-Type", "text/plain");
    std::ignore = co_await exchange.send(content);
  };
  std::string body;
  if (path == "/echo" || path == "/sink" || path == "/late") {
    std::vector<std::byte> piece(path == "/sink" ? 1000 : 100'000);
    while (!exchange.body().complete()) {
      const auto got = co_await exchange.body().read(piece);
      if (!got) {
        const int status = got.error().code == engine::Errc::timed_out ? 408 : 400;
        co_return co_await answer(status, engine::describe(got.error()));
      }
      body += tests::text_of(std::span(piece).first(*got));
    }
  }
  if (path == "/mute") co_return;
  if (path == "/slow" || path == "/late") co_await engine::sleep_for(45'000);
  if (path == "/nothing") {
    exchange.begin(204);
    std::ignore = co_await exchange.send_nothing();
    co_return;
  }
  if (path == "/refuse") exchange.close_after();
  const std::string content = path == "/echo"    ? body
                              : path == "/sink"  ? std::to_string(body.size())
                              : path == "/large" ? tests::pattern(300'000)
                                                 : std::string(path.substr(1));
  co_await answer(path == "/refuse" ? 403 : 200, content);
}

struct Client {
  Client(engine::Shard& shard_in, bool tcp = false, ServerOptions options = {})
      : shard(shard_in), server(shard_in, with_handler(options)) {
    auto pair = tcp ? tests::tcp_pair() : tests::unix_pair();
    stream.emplace(std::move(pair.client));
    server.accept(std::move(pair.server), 0);
  }

  ServerOptions with_handler(ServerOptions options) {
    if (options.handler.serve == nullptr) options.handler = {&serve_test, &served};
    return options;
  }

  Task<> send(std::string_view text) { CHECK(co_await stream->send(tests::bytes_of(text))); }

  // One answer: head and content, as by Content-Length (none when `head_only`). Empty at the
  // end of the connection.
  Task<std::string> answer(bool head_only = false) {
    std::size_t end = std::string::npos;
    while ((end = got.find("\r\n\r\n")) == std::string::npos) {
      if (!co_await more()) co_return take(got.size());
    }
    end += 4;
    const auto at = got.find("Content-Length: ");
    std::size_t length = 0;
    if (at < end && !head_only) length = std::strtoul(got.c_str() + at + 16, nullptr, 10);
    while (got.size() < end + length) {
      if (!co_await more()) co_return take(got.size());
    }
    co_return take(end + length);
  }

  Task<bool> more() {
    const auto ready = co_await stream->readable();
    if (!ready || !*ready) co_return false;
    got += tests::text_of(stream->available());
    stream->consume(stream->available().size());
    co_return true;
  }

  // True when the server ends the connection without another byte.
  Task<bool> ended() {
    if (!got.empty()) co_return false;
    co_return !co_await more();
  }

  // Closes this side and waits until the server has let go of its own.
  Task<> close() {
    co_await stream->close();
    co_await shard.tasks().join();
    CHECK(server.connection_count() == 0);
  }

  std::string take(std::size_t bytes) {
    std::string taken = got.substr(0, bytes);
    got.erase(0, bytes);
    return taken;
  }

  engine::Shard& shard;
  unsigned served = 0;
  Server server;
  std::optional<engine::Stream> stream;
  std::string got;
};

inline int status_of(std::string_view answer) {
  return answer.size() < 12 ? 0 : std::atoi(std::string(answer.substr(9, 3)).c_str());
}
inline std::string content_of(const std::string& answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : answer.substr(end + 4);
}
inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline std::string request(std::string_view path, std::string_view fields = "",
                           std::string_view method = "GET") {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" +
         std::string(fields) + "\r\n";
}
inline std::string put(std::string_view path, std::string_view body, std::string_view fields = "") {
  return request(path,
                 "Content-Length: " + std::to_string(body.size()) + "\r\n" + std::string(fields),
                 "PUT") +
         std::string(body);
}

}  // namespace millrace::http::test
