// What all threads do together, one phase after the other. Read-only while a phase runs.
#pragma once

#include "bench/load/content.h"
#include "bench/load/plan.h"
#include "bench/load/request_text.h"
#include "bench/load/settings.h"

#include <atomic>
#include <cstdint>
#include <vector>

namespace millrace::bench {

enum class Phase : std::uint8_t { make_bucket, upload, run, remove };

struct Job {
  const Settings& settings;
  const Content& content;
  const PreparedHeads& heads;  // of Phase::run
  Phase phase = Phase::run;
  Auth auth = Auth::header;
  std::uint64_t start_ns = 0;        // monotonic; the warm-up begins
  std::vector<std::uint64_t> fresh;  // what each thread of the run has put beside the prepared
  const std::atomic<bool>* interrupted = nullptr;
};

struct Ticket {
  Step step;
  std::uint64_t started_ns = 0;  // when it was taken; in an open loop when it was due
};

}  // namespace millrace::bench
