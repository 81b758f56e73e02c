// The frontends: on every shard a store, the S3 service, an HTTP server and an acceptor for each
// listener. Made and stopped by the main thread; each shard owns its own part.
#pragma once

#include "engine/acceptor.h"
#include "engine/shard_set.h"
#include "http/proxy.h"
#include "http/server.h"
#include "s3/service.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace millrace::tools {

struct FrontendOptions {
  std::vector<sockaddr_storage> listen;
  std::vector<unsigned> processors;
  bool pinned = true;
  engine::Logger* logger = nullptr;
  engine::Logger* access_logger = nullptr;  // null: no access log
  std::span<engine::StatusPage> pages;      // one for each processor
  int shared_locks_fd = -1;                 // other containers serve the same data: their locks
  http::TrustedNetworks proxies;
  const engine::TlsIdentity* tls = nullptr;  // null: clear text
  std::uint32_t uploads_age_max_days = 0;    // 0: uploads stay until they are ended
  s3::ServiceOptions service;
  s3::store::StoreOptions store;
};

class Frontends {
 public:
  explicit Frontends(FrontendOptions options);
  ~Frontends();
  Frontends(const Frontends&) = delete;
  Frontends& operator=(const Frontends&) = delete;

  // Returns when every shard accepts.
  engine::Result<> start();

  // Connections end with their next answer; others are still accepted.
  void close_after_answers();
  // Stops accepting; connections end with their current answer, idle ones at once.
  void drain();
  // Ends every connection at once; after drain().
  void close_connections();
  // Connections that are left.
  std::uint64_t connections() const;
  // Ends the shards; after drain(), when no connections are left or close_connections() was
  // called.
  void stop();

 private:
  struct PerShard;
  struct Order;
  using Action = void (*)(PerShard& shard);

  static engine::Result<> prepare(void* context, engine::Shard& shard);
  static void begin(void* context, engine::Shard& shard);
  static void end(void* context, engine::Shard& shard);
  static void take_connection(void* context, engine::Shard& shard, engine::Descriptor socket,
                              unsigned listener);
  void order(Action action);

  FrontendOptions options_;
  engine::Balance balance_;
  s3::store::KeyLocks locks_;
  std::vector<std::unique_ptr<PerShard>> shards_;
  std::vector<engine::Shard*> running_;                    // by index, like shards_
  std::vector<std::vector<engine::Acceptor*>> acceptors_;  // by listener, then by shard
  std::vector<std::unique_ptr<Order>> orders_;             // posted; kept until the shards end
  std::unique_ptr<engine::ShardSet> set_;
};

}  // namespace millrace::tools
