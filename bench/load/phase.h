// Runs one phase of a job on this host's threads and gives what they counted. Main thread.
#pragma once

#include "bench/load/job.h"
#include "bench/load/results.h"

#include <cstddef>
#include <expected>
#include <span>
#include <string>

namespace millrace::bench {

class Worker;

// Called about ten times a second while the phase runs, on the main thread.
class PhaseWatcher {
 public:
  virtual ~PhaseWatcher() = default;
  virtual void look(std::span<Worker* const> workers) = 0;
};

// The error is one line. `watcher` may be null.
std::expected<Results, std::string> run_phase(const Job& job, PhaseWatcher* watcher);

// From now, when connections that are to be made until then have had time for it.
std::uint64_t soon_ns(const Settings& settings);

}  // namespace millrace::bench
