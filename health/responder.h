// What runs on the health shard: the listeners' ends, the HTTP server, and the refresh of the
// View ten times a second. Made, used and destroyed on the health shard's thread.
// Invariant: nothing here enters the kernel to wait for a disk.
#pragma once

#include "engine/acceptor.h"
#include "health/service.h"
#include "health/suspicion.h"
#include "http/server.h"

#include <array>
#include <memory>
#include <span>
#include <vector>

namespace millrace::health {

class Responder {
 public:
  // Of the listeners the first options.listen.size() speak HTTP, the rest the agent check.
  Responder(engine::Shard& shard, const ServiceOptions& options,
            std::span<const std::unique_ptr<FilesystemProbe>> probes,
            std::vector<engine::Descriptor> listeners);
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  void begin();
  void mark_started();
  void drain();
  // Ends the connections and then the shard's loop.
  void stop();

 private:
  struct Tick : engine::Timer {
    explicit Tick(Responder& owner) : Timer(&Responder::on_tick), responder(owner) {}
    Responder& responder;
  };
  struct Listener {
    std::unique_ptr<engine::Acceptor> acceptor;
    engine::Acceptor* peer = nullptr;  // what Acceptor::start wants a span of
  };

  static void on_tick(engine::Timer& self);
  static void on_connection(void* context, engine::Shard& shard, engine::Descriptor socket,
                            unsigned listener);
  static engine::Task<> on_request(void* context, http::Exchange& exchange);
  engine::Task<> answer_agent(engine::Descriptor socket);
  engine::Task<> serve_metrics(http::Exchange& exchange);
  bool metrics_allowed(const http::Head& head) const;

  void refresh();
  void note_pause(std::uint64_t now_ns);
  Load read_load();
  bool read_suspicion();
  Readiness read_readiness(std::uint64_t now_ns, const Load& load);
  void tell_change(Reason reason);

  engine::Shard& shard_;
  engine::Shard* const shard_pointer_;
  const ServiceOptions& options_;
  const std::span<const std::unique_ptr<FilesystemProbe>> probes_;
  const std::uint64_t memory_max_bytes_;
  const double start_time_seconds_;
  engine::Balance balance_{1};
  http::Server server_;
  std::vector<Listener> listeners_;
  Tick tick_;
  std::array<std::uint64_t, engine::limits::shards_max> heartbeats_ns_{};
  std::vector<Verdict> verdicts_;
  std::vector<ProbeCounts> probe_counts_;
  Suspicion suspicion_;
  std::size_t agents_ = 0;
  std::uint64_t memory_bytes_ = 0;
  unsigned refreshes_ = 0;
  std::uint64_t refreshed_ns_ = 0;
  std::uint64_t resumed_ns_ = 0;
  Reason reason_ = Reason::starting;
  bool started_ = false;
  bool draining_ = false;
  bool stopping_ = false;
};

}  // namespace millrace::health
