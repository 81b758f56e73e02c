// The health service: a thread of its own with its own shard, ring and listeners, which answers
// health checks, metrics and HAProxy's agent checks, and keeps the View that other ports answer
// from. All functions are called by the main thread.
// Invariant: it never waits for a frontend (it reads their pages) nor for a disk (probes have
// threads of their own), so it answers whatever happens to either.
#pragma once

#include "engine/descriptor.h"
#include "engine/log.h"
#include "engine/shard.h"
#include "engine/tls.h"
#include "health/cluster/figures.h"
#include "health/filesystem_probe.h"
#include "health/readiness.h"
#include "health/view.h"
#include "http/exchange.h"

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <semaphore>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace millrace::health {

class Responder;

// Paths of the health port that somebody else answers, on the health shard.
struct Door {
  bool (*owns)(std::string_view path) = nullptr;
  engine::Task<> (*serve)(void* context, http::Exchange& exchange) = nullptr;
  void* context = nullptr;
};

// What is pointed to outlives the service.
struct ServiceOptions {
  std::vector<sockaddr_storage> listen;        // never shared with another process
  std::vector<sockaddr_storage> agent_listen;  // HAProxy's agent checks; empty: none
  const engine::TlsIdentity* tls = nullptr;    // of `listen`; null: clear. Agent checks are clear
  std::optional<unsigned> processor;           // to pin to; best one without a frontend
  engine::Logger* logger = nullptr;
  View* view = nullptr;
  std::span<const engine::StatusPage> frontends;
  std::vector<ProbeOptions> filesystems;  // all that objects live on
  Policy policy;
  std::uint64_t requests_active_max = limits::requests_active_max;  // of the node; 0: ignored
  std::uint64_t memory_max_bytes = 0;            // 0: of the cgroup or the machine
  std::span<const std::string_view> operations;  // names of StatusPage::operations
  std::string_view version;
  std::string_view durability;
  const cluster::Figures* cluster = nullptr;  // of a container of a cluster
  Door administration;                        // of the cluster; may be empty
  std::atomic<bool>* sync_failed = nullptr;   // set by stores, taken down here; null: nobody tells
  std::string metrics_token;  // what /metrics wants as a bearer token; empty: nothing
};

class Service {
 public:
  // Listens and begins to answer (`starting`) before it returns. Errors: of listening, of
  // making the ring.
  static engine::Result<std::unique_ptr<Service>> start(ServiceOptions options);
  // stop()s.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Every frontend has begun: readiness may be told from now on.
  void mark_started();
  // Readiness off, for good. Answers go on until stop(), so that load balancers hear of it.
  void drain();
  // Ends every connection, closes the ports, joins the thread; then the probes, of which one
  // that hangs is left behind. Takes at most about limits::agent_deadline_ms + probe_stop_ms.
  void stop();

  // What was listened on, in the order of the options (the kernel's choice for port 0).
  std::span<const std::uint16_t> ports() const { return ports_; }
  std::span<const std::uint16_t> agent_ports() const { return agent_ports_; }

 private:
  using Action = void (Responder::*)();
  struct Order : engine::Message {
    Order(Service& owner, Action what)
        : Message(&Service::on_order), service(owner), action(what) {}
    Service& service;
    const Action action;
    bool sent = false;
  };

  explicit Service(ServiceOptions options);
  static void on_order(engine::Message& self, engine::Shard& shard);
  engine::Result<> listen();
  void run();
  void send(Order& order);

  ServiceOptions options_;
  engine::StatusPage page_;
  std::vector<std::unique_ptr<FilesystemProbe>> probes_;
  std::vector<engine::Descriptor> listeners_;  // those for agents last; the thread takes them
  std::vector<std::uint16_t> ports_;
  std::vector<std::uint16_t> agent_ports_;
  Order started_order_;
  Order drain_order_;
  Order stop_order_;

  engine::Result<> outcome_;  // of the thread's start, before begun_
  std::binary_semaphore begun_{0};
  std::binary_semaphore no_more_orders_{0};  // the shard stays until nobody can post to it
  engine::Shard* shard_ = nullptr;
  Responder* responder_ = nullptr;
  std::thread thread_;
};

}  // namespace millrace::health
