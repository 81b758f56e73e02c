// One HTTP connection: a flat loop of head, handler, rest of the body, until one side has had
// enough. Owned by its shard's Server.
#pragma once

#include "http/limits.h"
#include "http/scan.h"
#include "http/server.h"

namespace millrace::http {

class Connection {
 public:
  Connection(Server& server, engine::Descriptor socket, unsigned listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The whole life of a connection; the frame owns it.
  static engine::Task<> run(Server& server, engine::Descriptor socket, unsigned listener);

  // Ends it at once; it leaves the server when what it waits for has come back. Until then it is
  // in the list of the busy ones.
  void end();
  // Ends it soon, unless its next request is on its way, or a handshake, which goes before one.
  void wait_no_longer() {
    if (!handshaking_) stream_.arm_receive_deadline(limits::drain_idle_ms);
  }
  Connection* next() const { return next_; }

 private:
  enum class Next : std::uint8_t { request, end, linger };

  void link(ConnectionList& list);
  void unlink();
  void move_to(ConnectionList& list);

  engine::Task<> serve();
  engine::Task<engine::Result<>> take_proxy_header();
  // The TLS handshake; `request` when it has succeeded.
  engine::Task<Next> secure();
  // Waits for the first byte of a request; false when there won't be one.
  engine::Task<bool> request_begins();
  engine::Task<Next> serve_request();
  // The head's bytes in the block; nullopt: the connection ends (an answer may have been sent).
  engine::Task<std::expected<std::string_view, Next>> receive_head(std::span<std::byte> area,
                                                                   Exchange& exchange);
  engine::Task<Next> reject(Exchange& exchange, int status, std::string_view reason);
  engine::Task<Next> after_answer(Exchange& exchange);
  engine::Task<> linger();

  Server& server_;
  engine::Stream stream_;
  ConnectionInfo info_;
  HeadScanner scanner_;
  Connection* next_ = nullptr;
  Connection** previous_ = nullptr;
  ConnectionList* list_ = nullptr;
  bool ending_ = false;
  bool handshaking_ = false;
};

}  // namespace millrace::http
