// The deterministic fake of the seam (engine/ring.h): the same class Ring, linked instead of
// ring_uring.cpp. Requests act on real files and sockets, but when they do, in which order they
// complete, how much of them is done and which of them fail follows from a Plan and its seed;
// so does time, which is virtual. A Scenario holds the plan and what happened; rings made while
// it lives follow it. With rings on one thread and no outside peers a run repeats exactly.
#pragma once

#include "engine/ring.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <vector>

namespace millrace::tests::fake {

inline constexpr std::size_t action_count = static_cast<std::size_t>(engine::Action::call) + 1;

struct Fault {
  engine::Action action;
  double probability;
  std::vector<int> errnums;  // one of these, by the seed
};

struct Plan {
  std::uint64_t seed = 1;
  // Reads, writes, sends and receives do less than was asked for.
  double short_probability = 0.3;
  // Each step of a request happens up to so much later; what is ready goes in seeded order.
  std::uint64_t delay_max_ns = 200'000;
  // A cancelled request still has an outcome of its own before it ends, or is past cancelling.
  double late_probability = 0.3;
  // Cached calls and non-blocking sends answer -EAGAIN; resident() answers false.
  double miss_probability = 0.3;
  std::vector<Fault> faults;

  // The Nth request (from 1) of the actions that count fails; or that and all later ones.
  std::uint64_t fail_nth = 0;
  int fail_errnum = 5;  // EIO
  bool fail_persistently = false;
  // The action takes effect and is reported as failed all the same (as on NFS).
  bool fail_after_effect = false;
  // Which actions count; by default all that touch files.
  std::array<bool, action_count> counted = file_actions();

  unsigned receive_buffers = 1024;
  bool calls_on_threads = false;
  // Peers are outside this thread: time is real, and turns wait for sockets.
  bool real_time = false;
  // Keeps a log of file actions, and in it the bytes of writes.
  bool log = true;
  bool log_bytes = false;

  static std::array<bool, action_count> file_actions();
  // Nothing out of the ordinary happens.
  static Plan plain();
};

// One file action that was carried out or failed, in the order of their effects.
struct LogEntry {
  engine::Action action;
  std::string path;   // of the descriptor, joined with the request's path
  std::string path2;  // link and rename
  std::uint64_t device = 0;
  std::uint64_t inode = 0;  // of the descriptor
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint32_t flags = 0;
  std::string bytes;  // of a write, when Plan::log_bytes
  std::int32_t result = 0;
  bool took_effect = false;
};

// Installs a plan for the rings that are made while it lives. One at a time.
class Scenario {
 public:
  explicit Scenario(Plan plan_in);
  ~Scenario();
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;

  const Plan plan;
  const std::uint64_t id;  // of this process

  // Requests of that action so far, and of all that count.
  std::uint64_t requests(engine::Action action) const;
  std::uint64_t counted() const { return counted_.load(); }
  // Requests and cached calls that were made to fail, be short or miss.
  std::uint64_t injected() const { return injected_.load(); }
  std::vector<LogEntry> log() const;

  // For the ring: what becomes of the next request: an errno, or 0.
  int judge(engine::Action action, std::uint64_t random);
  void note_injected() { injected_.fetch_add(1); }
  void record(LogEntry entry);

 private:
  std::array<std::atomic<std::uint64_t>, action_count> requests_{};
  std::atomic<std::uint64_t> counted_{0};
  std::atomic<std::uint64_t> injected_{0};
  mutable std::mutex mutex_;
  std::vector<LogEntry> log_;
};

// The scenario in force; a default one when none was installed.
Scenario& scenario();

}  // namespace millrace::tests::fake
