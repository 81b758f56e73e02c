// The HTTP side of one shard: takes connections on, runs each as one coroutine, and drains.
#pragma once

#include "engine/acceptor.h"
#include "engine/shard.h"
#include "engine/tls.h"
#include "http/date.h"
#include "http/exchange.h"

#include <cstdint>

namespace millrace::http {

// Serves one request: reads its body as far as it wants and sends one answer.
struct Handler {
  engine::Task<> (*serve)(void* context, Exchange& exchange) = nullptr;
  void* context = nullptr;
};

struct TrustedNetworks;

struct ServerOptions {
  Handler handler;
  engine::Balance* balance = nullptr;        // told of every connection's end; may be null
  const TrustedNetworks* proxies = nullptr;  // who may speak PROXY; null: nobody
  const engine::TlsIdentity* tls = nullptr;  // every connection is TLS; null: none is
  std::size_t connections_max = engine::limits::connections_per_shard_max;
  // From so many on, each that comes ends the one that has waited longest for a request.
  std::size_t connections_crowded = engine::limits::connections_per_shard_max;
};

class Connection;

// Connections link themselves into it.
struct ConnectionList {
  Connection* first = nullptr;
  Connection** end = &first;
};

class Server {
 public:
  Server(engine::Shard& shard, const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes the socket over.
  void accept(engine::Descriptor socket, unsigned listener);

  // Every answer from now on closes its connection; others may still come.
  void close_after_answers() { closing_ = true; }
  // The same, and who does not begin a request at once is not waited for; after the listeners'
  // end.
  void drain() { closing_ = draining_ = true; }
  // Closes connections that wait for a request, by FIN; call after drain(). A request that has
  // arrived, or does within limits::drain_idle_ms, is still answered.
  void close_idle();
  // Ends every connection at once.
  void close_all();
  // Those on their way out included.
  std::size_t connection_count() const { return count_; }

 private:
  friend class Connection;

  void end_longest_idle();

  engine::Shard& shard_;
  const ServerOptions options_;
  DateCache dates_;
  ConnectionList busy_;
  ConnectionList waiting_;  // for a request; the one that has waited longest first
  std::size_t count_ = 0;
  std::size_t ending_ = 0;
  std::uint64_t next_id_ = 0;
  bool closing_ = false;
  bool draining_ = false;
};

}  // namespace millrace::http
