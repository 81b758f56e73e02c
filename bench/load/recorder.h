// One thread's counting. An operation counts when it began at or after the window's begin and
// ended before its end; every other one is counted as outside or unfinished, never mixed in.
// Finished seconds can be read by another thread while the run goes on.
#pragma once

#include "bench/load/limits.h"
#include "bench/load/results.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

namespace millrace::bench {

// One operation that is over.
struct Done {
  Operation operation = Operation::get;
  unsigned endpoint = 0;
  std::uint64_t started_ns = 0;  // in an open loop: when it was due
  std::uint64_t ended_ns = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

class Recorder {
 public:
  static constexpr std::uint64_t no_end = ~0ULL;

  Recorder(std::size_t endpoints, std::uint64_t begin_ns, std::uint64_t end_ns);

  std::uint64_t begin_ns() const { return begin_ns_; }
  std::uint64_t end_ns() const { return end_ns_; }
  bool in_window(std::uint64_t now_ns) const { return now_ns >= begin_ns_ && now_ns < end_ns_; }

  void success(const Done& done);
  void failure(const Done& done, std::string_view what);
  void start_delay(std::uint64_t due_ns, std::uint64_t now_ns);
  void unstarted(std::uint64_t due_ns);
  // Ends the seconds that are over.
  void advance(std::uint64_t now_ns);
  // The window ends early, at the latest now; only the first call counts.
  void cut(std::uint64_t now_ns, Ending why);
  // After the last operation.
  void close();

  Results& results() { return results_; }
  EndpointTally& endpoint(unsigned index) { return results_.endpoints[index]; }

  // For another thread: how many seconds are finished, and each of them.
  std::size_t finished_seconds() const { return finished_.load(std::memory_order_acquire); }
  const Second& second(std::size_t index) const { return *seconds_[index]; }

 private:
  bool counts(const Done& done);
  void finish_second();

  const std::uint64_t begin_ns_;
  std::uint64_t end_ns_;
  std::uint64_t last_ended_ns_;
  std::uint64_t second_end_ns_;
  bool cut_ = false;
  Results results_;
  Second current_;
  Latencies current_latency_;
  std::unique_ptr<std::unique_ptr<Second>[]> seconds_;
  std::atomic<std::size_t> finished_{0};
};

}  // namespace millrace::bench
