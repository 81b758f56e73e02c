// One thread of the generator: its clients, its share of the plan, its counting. Lives on one
// shard; only finished seconds and ended() may be read from elsewhere.
#pragma once

#include "bench/load/arrivals.h"
#include "bench/load/client.h"
#include "bench/load/endpoints.h"
#include "bench/load/pacer.h"
#include "bench/load/recorder.h"
#include "engine/group.h"
#include "engine/shard.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace millrace::bench {

class Worker {
 public:
  // `local` is the thread's number on this host. Made on the thread that runs it.
  Worker(const Job& job, unsigned local);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  engine::Result<> prepare();
  // Adopted by the shard's tasks; stops the shard at its end.
  engine::Task<> run();

  // The next operation for whoever is free. `wait`: none is due; Client::give() brings one, or none
  // when the run is over.
  enum class Turn : std::uint8_t { go, wait, over };
  Turn take(Ticket& ticket);
  void wait_for_turn(Client& client);
  void succeeded(const Step& step, const Done& done);

  const Job& job() const { return job_; }
  Recorder& recorder() { return recorder_; }
  const Recorder& recorder() const { return recorder_; }
  Signer& signer() { return signer_; }
  bool over() const { return over_; }
  std::uint64_t next_version() { return (std::uint64_t{stream_} + 1) << 40 | ++versions_; }
  bool ended() const { return ended_.load(std::memory_order_acquire); }

 private:
  std::optional<Step> next_step();
  std::optional<Step> next_object(Operation operation);
  Turn finish(std::uint64_t now_ns, Ending why);
  void look_at_clock(std::uint64_t now_ns);
  void end_window();
  engine::Task<> pace();
  engine::Task<> tick();

  const Job& job_;
  const Settings& settings_;
  const unsigned local_;
  const unsigned stream_;  // the thread's number over all hosts
  const std::uint64_t requests_share_;
  Recorder recorder_;
  EndpointChoice choice_;
  Signer signer_;
  Plan plan_;
  std::optional<Arrivals> arrivals_;
  Pacer pacer_;
  engine::Signal became_idle_;
  std::vector<std::byte> discard_;
  const ConnectionSite site_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<Client*> idle_;
  engine::TaskGroup group_;
  std::uint64_t cursor_ = 0;  // of phases that walk over the objects
  std::uint64_t issued_ = 0;  // in the window
  std::uint64_t versions_ = 0;
  std::uint64_t processor_begin_ns_ = 0;
  std::uint64_t over_since_ns_ = 0;
  bool window_begun_ = false;
  bool window_ended_ = false;
  bool over_ = false;
  std::atomic<bool> ended_{false};
};

}  // namespace millrace::bench
