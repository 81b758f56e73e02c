// See connection.h. The rules: one request at a time; a body is read to its end before the next
// head, or the connection closes; after any error in a head nothing more is read as a request;
// an early answer is followed by a lingering close, so that the client sees it and not a reset.
#include "http/connection.h"

#include "http/limits.h"
#include "http/parser.h"
#include "http/proxy.h"
#include "http/reason.h"

#include <algorithm>
#include <cstring>

namespace millrace::http {

using engine::Result;
using engine::Task;

Connection::Connection(Server& server, engine::Descriptor socket, unsigned listener)
    : server_(server), stream_(std::move(socket)) {
  info_.listener = listener;
  info_.id = server.next_id_++;
  socklen_t length = sizeof info_.peer;
  ::getpeername(stream_.fd(), reinterpret_cast<sockaddr*>(&info_.peer), &length);
  length = sizeof info_.local;
  ::getsockname(stream_.fd(), reinterpret_cast<sockaddr*>(&info_.local), &length);
  link(server.waiting_);
  ++server.count_;
  server.shard_.page().connections.add();
}

Connection::~Connection() {
  unlink();
  --server_.count_;
  if (ending_) --server_.ending_;
  server_.shard_.page().connections.subtract();
}

void Connection::link(ConnectionList& list) {
  list_ = &list;
  next_ = nullptr;
  previous_ = list.end;
  *previous_ = this;
  list.end = &next_;
}

void Connection::unlink() {
  *previous_ = next_;
  (next_ != nullptr ? next_->previous_ : list_->end) = previous_;
}

void Connection::move_to(ConnectionList& list) {
  unlink();
  link(list);
}

void Connection::end() {
  if (ending_) return;
  ending_ = true;
  move_to(server_.busy_);
  ++server_.ending_;
  stream_.shut_down();
}

Task<> Connection::run(Server& server, engine::Descriptor socket, unsigned listener) {
  Connection connection(server, std::move(socket), listener);
  co_await connection.serve();
  co_await connection.stream_.close();
  if (server.options_.balance != nullptr) server.options_.balance->release(server.shard_.index());
}

Task<> Connection::serve() {
  const auto introduced = co_await take_proxy_header();
  if (!introduced) co_return;
  Next next = Next::request;
  if (server_.options_.tls != nullptr) next = co_await secure();
  while (next == Next::request) {
    if (!ending_) move_to(server_.waiting_);
    const bool begins = co_await request_begins();
    if (!begins) co_return;
    if (!ending_) move_to(server_.busy_);
    next = co_await serve_request();
  }
  if (next == Next::linger) co_await linger();
}

Task<Result<>> Connection::take_proxy_header() {
  if (server_.options_.proxies == nullptr || !server_.options_.proxies->contains(info_.peer)) {
    co_return Result<>{};
  }
  stream_.arm_receive_deadline(limits::head_deadline_ms);
  std::array<std::byte, proxy_header_bytes_max> bytes;
  std::size_t size = 0;
  for (;;) {
    const auto parsed = parse_proxy_header({reinterpret_cast<const char*>(bytes.data()), size});
    if (!parsed) co_return std::unexpected(parsed.error());
    if (parsed->complete) {
      if (parsed->has_source) info_.peer = parsed->source;
      co_return Result<>{};
    }
    const auto more = co_await stream_.readable();
    if (!more || !*more) co_return engine::fail(engine::Errc::eof);
    // Byte by byte towards the end is rare: parsed tells how many bytes it surely wants.
    const auto ready = stream_.available();
    const auto piece = std::min({ready.size(), parsed->wanted_bytes, bytes.size() - size});
    if (piece == 0) co_return engine::fail(engine::Errc::too_large);
    std::memcpy(bytes.data() + size, ready.data(), piece);
    stream_.consume(piece);
    size += piece;
  }
}

Task<Connection::Next> Connection::secure() {
  engine::StatusPage& page = server_.shard_.page();
  // Until its first byte it is a connection like others, which a drain does not wait for.
  const bool begins = co_await request_begins();
  if (!begins) co_return Next::end;
  // Of the handshake as a whole, so that it can't be drawn out byte by byte.
  stream_.arm_deadline(limits::head_deadline_ms);
  handshaking_ = true;
  const auto secured = co_await stream_.secure(server_.options_.tls->current());
  handshaking_ = false;
  stream_.disarm_deadline();
  info_.tls = secured && *secured;
  if (info_.tls) {
    page.tls_handshakes.add();
    co_return Next::request;
  }
  // Who only connects, as plain checks of a port do, has not failed at anything.
  if (!secured && secured.error().code == engine::Errc::eof && !stream_.timed_out()) {
    co_return Next::end;
  }
  page.tls_handshakes_failed.add();
  engine::LogLine(server_.shard_.log(), engine::LogLevel::debug, "TLS handshake failed")
      .field("reason", secured                      ? "clear text"
                       : stream_.timed_out()        ? "not complete in time"
                       : *stream_.tls_reason() != 0 ? stream_.tls_reason()
                                                    : engine::describe(secured.error()));
  if (!secured) co_return Next::end;
  static constexpr std::string_view answer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 38\r\n"
      "Connection: close\r\n\r\nThis port speaks TLS: ask with https.\n";
  stream_.arm_deadline(limits::send_progress_ms);
  const auto told = co_await stream_.send(std::as_bytes(std::span(answer)));
  co_return told ? Next::linger : Next::end;
}

Task<bool> Connection::request_begins() {
  if (!stream_.available().empty()) co_return true;
  stream_.arm_receive_deadline(server_.draining_ ? limits::drain_idle_ms
                                                 : limits::idle_deadline_ms);
  const auto more = co_await stream_.readable();
  // What has come is not late, however long the request then waits for its memory.
  stream_.disarm_deadline();
  co_return more && *more;
}

Task<std::expected<std::string_view, Connection::Next>> Connection::receive_head(
    std::span<std::byte> area, Exchange& exchange) {
  stream_.arm_receive_deadline(limits::head_deadline_ms);
  scanner_.reset();
  std::size_t size = 0;
  for (;;) {
    const auto ready = stream_.available();
    const auto piece = std::min(ready.size(), area.size() - size);
    std::memcpy(area.data() + size, ready.data(), piece);
    const std::string_view bytes(reinterpret_cast<const char*>(area.data()), size + piece);
    const auto extent = scanner_.scan(bytes);
    if (!extent) {
      co_return std::unexpected(
          co_await reject(exchange, extent.error().status, extent.error().reason));
    }
    if (extent->complete()) {
      stream_.consume(extent->end - size);
      stream_.disarm_deadline();
      co_return bytes.substr(extent->begin, extent->end - extent->begin);
    }
    stream_.consume(piece);
    size += piece;
    if (size == area.size()) {
      co_return std::unexpected(co_await reject(exchange, 431, "head over its limit"));
    }
    const auto more = co_await stream_.readable();
    if (!more) co_return std::unexpected(Next::end);
    if (!*more && !stream_.timed_out()) co_return std::unexpected(Next::end);
    if (!*more) co_return std::unexpected(co_await reject(exchange, 408, "head not complete"));
  }
}

Task<Connection::Next> Connection::serve_request() {
  engine::Shard& shard = server_.shard_;
  const engine::Buffer block = co_await shard.request_blocks().acquire();
  Exchange exchange(stream_, block.bytes(), info_,
                    server_.dates_.at(static_cast<std::int64_t>(shard.wall_seconds())),
                    server_.closing_);
  const auto bytes =
      co_await receive_head(block.bytes().first(Exchange::head_area_bytes), exchange);
  if (!bytes) co_return bytes.error();
  if (const auto parsed = parse_head(*bytes, exchange.head()); !parsed) {
    co_return co_await reject(exchange, parsed.error().status, parsed.error().reason);
  }
  exchange.start_body();
  shard.page().requests_active.add();
  co_await server_.options_.handler.serve(server_.options_.handler.context, exchange);
  shard.page().requests_active.subtract();
  co_return co_await after_answer(exchange);
}

Task<Connection::Next> Connection::reject(Exchange& exchange, int status, std::string_view reason) {
  engine::LogLine(server_.shard_.log(), engine::LogLevel::debug, "head refused")
      .field("status", static_cast<std::uint64_t>(status))
      .field("reason", reason);
  exchange.close_after();
  std::ignore = exchange.begin(status).field("Content-Type", "text/plain");
  const auto sent = co_await exchange.send(reason_phrase(status));
  co_return sent ? Next::linger : Next::end;
}

Task<Connection::Next> Connection::after_answer(Exchange& exchange) {
  if (exchange.broken() || !exchange.head_sent()) co_return Next::end;
  if (exchange.body().complete()) {
    co_return exchange.closes() ? Next::linger : Next::request;
  }
  if (exchange.closes()) co_return Next::linger;
  // The answer promised to keep the connection, so the rest of a small body is read away.
  const engine::Buffer waste = co_await server_.shard_.body_buffers().acquire();
  std::size_t dropped = 0;
  while (!exchange.body().complete() && dropped < limits::linger_bytes_max) {
    const auto got = co_await exchange.body().read(waste.bytes());
    if (!got) co_return Next::end;
    dropped += *got;
  }
  co_return exchange.body().complete() ? Next::request : Next::linger;
}

Task<> Connection::linger() {
  stream_.arm_deadline(limits::send_progress_ms);
  co_await stream_.announce_end();
  stream_.shut_down_sending();
  stream_.arm_receive_deadline(limits::linger_ms);
  std::size_t dropped = 0;
  while (dropped < limits::linger_bytes_max) {
    const auto more = co_await stream_.readable();
    if (!more) break;
    if (!*more) {
      if (stream_.timed_out()) break;
      co_return;  // the peer has closed too: nothing is reset
    }
    dropped += stream_.available().size();
    stream_.consume(stream_.available().size());
  }
  server_.shard_.page().connections_reset.add();
}

}  // namespace millrace::http
