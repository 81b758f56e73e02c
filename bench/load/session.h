// The phases of a run on this host, in order: bucket and objects, the run itself, the cleanup.
// Main thread.
#pragma once

#include "bench/load/job.h"
#include "bench/load/phase.h"
#include "bench/load/results.h"

#include <atomic>
#include <cstdint>
#include <expected>
#include <string>

namespace millrace::bench {

class Session {
 public:
  // `settings` has been checked and its endpoints resolved; outlives the session.
  Session(const Settings& settings, const std::atomic<bool>& interrupted);

  // Makes the bucket and the objects where the run wants them, and the requests that are made
  // ahead. The error is one line.
  std::expected<void, std::string> prepare();
  // From `start_ns` (monotonic) on.
  std::expected<Results, std::string> run(std::uint64_t start_ns, PhaseWatcher* watcher);
  std::expected<void, std::string> clean_up();

 private:
  std::expected<Results, std::string> run_phase_of(Phase phase, std::uint64_t start_ns,
                                                   PhaseWatcher* watcher);
  std::expected<void, std::string> run_side_phase(Phase phase, const char* what);

  const Settings& settings_;
  const std::atomic<bool>& interrupted_;
  const Content content_;
  PreparedHeads heads_;
  std::vector<std::uint64_t> fresh_;
};

}  // namespace millrace::bench
