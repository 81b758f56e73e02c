// One request and its answer, as a handler sees them. Lives in the connection's coroutine
// while the request runs; its memory is one block of the shard's pool.
#pragma once

#include "engine/stream.h"
#include "http/body.h"
#include "http/head.h"
#include "http/response_head.h"

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace millrace::http {

// What is known of a connection before its first request.
struct ConnectionInfo {
  sockaddr_storage peer{};  // the client: of the socket, or of a trusted PROXY header
  sockaddr_storage local{};
  std::uint64_t id = 0;  // of this shard
  unsigned listener = 0;
  bool tls = false;
};

class Exchange {
 public:
  // The layout of a request's block.
  static constexpr std::size_t arena_bytes = 16 * 1024;
  static constexpr std::size_t response_bytes = 16 * 1024;
  static constexpr std::size_t head_area_bytes =
      engine::limits::request_block_bytes - arena_bytes - response_bytes;
  static_assert(head_area_bytes >= limits::head_bytes_max);

  Exchange(engine::Stream& stream, std::span<std::byte> block, const ConnectionInfo& connection,
           std::string_view date, const bool& draining);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Head& head() { return head_; }
  const Head& head() const { return head_; }
  const ConnectionInfo& connection() const { return connection_; }
  Body& body() { return *body_; }
  // Memory for what the handler decodes; as long-lived as the exchange.
  std::span<char> arena() const;
  std::uint64_t started_ns() const { return started_ns_; }

  // Called by the connection when the head has been parsed.
  void start_body() { body_.emplace(stream_, head_); }

  // The answer. begin() once (again only while nothing was sent: an error instead of what was
  // begun), fields on what it returns, then one of the send functions.
  HeadWriter& begin(int status);
  // The connection will be closed after this answer; before the send.
  void close_after() { close_ = true; }

  engine::Task<engine::Result<>> send(std::string_view content);
  // A slice of a file. Small ones are sent with the head in one piece.
  engine::Task<engine::Result<>> send_file(engine::FileSource source);
  // Answers without content: to HEAD, where `content_length` tells what GET would send, and
  // 204, 304.
  engine::Task<engine::Result<>> send_head(std::uint64_t content_length);
  engine::Task<engine::Result<>> send_nothing();

  // An answer whose end is not known when it begins: the head, pieces (none empty), the end. They
  // go out one after another. Chunked (RFC 9112 section 7.1); to a client of HTTP/1.0 as they are,
  // and the end of the connection is theirs. HEAD gets the head alone.
  engine::Task<engine::Result<>> begin_pieces();
  engine::Task<engine::Result<>> send_piece(std::string_view content);
  engine::Task<engine::Result<>> end_pieces();

  // Nobody waits for the answer any more (Stream::ended()). A client that ends its sending side
  // early is taken for one that has gone.
  bool asker_gone() { return stream_.ended(); }

  int status() const { return status_; }
  bool head_sent() const { return sent_; }
  std::uint64_t sent_bytes() const { return sent_bytes_; }  // of content
  // Nothing more may be said on this connection.
  bool broken() const { return broken_; }
  bool closes() const { return close_ || broken_; }

 private:
  std::span<char> response_area() const;
  engine::Result<std::span<const std::byte>> finish_head(std::optional<std::uint64_t> length);
  engine::Task<engine::Result<>> put(std::span<const std::byte> bytes, bool more);
  engine::Result<> outcome(engine::Result<> result);

  engine::Stream& stream_;
  const std::span<std::byte> block_;
  const ConnectionInfo& connection_;
  const std::string_view date_;
  const std::uint64_t started_ns_;
  const bool& draining_;  // may become true while the request runs
  Head head_;
  std::optional<Body> body_;
  HeadWriter writer_;
  std::uint64_t sent_bytes_ = 0;
  int status_ = 0;
  bool sent_ = false;
  bool close_ = false;
  bool broken_ = false;
  bool chunked_ = false;  // the answer is
};

}  // namespace millrace::http
