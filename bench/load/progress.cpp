// See progress.h.
#include "bench/load/progress.h"

#include "bench/load/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace millrace::bench {

void ProgressLines::look(std::span<Worker* const> workers) {
  while (true) {
    std::size_t finished = limits::seconds_max;
    for (const Worker* worker : workers) {
      finished = std::min(finished, worker->recorder().finished_seconds());
    }
    if (shown_ >= finished) return;
    Second sum;
    Latencies latency;
    for (const Worker* worker : workers) {
      const Second& second = worker->recorder().second(shown_);
      sum.operations += second.operations;
      sum.bytes += second.bytes;
      sum.errors += second.errors;
      latency.merge(second.latency);
    }
    ++shown_;
    fmt::print(stderr,
               "{:>5} s {:>10}/s {:>9.1f} MiB/s  p50 {:>7.0f} us  p99 {:>7.0f} us  {} errors\n",
               shown_, sum.operations, static_cast<double>(sum.bytes) / (1 << 20),
               static_cast<double>(latency.quantile_ns(0.5)) / 1000,
               static_cast<double>(latency.quantile_ns(0.99)) / 1000, sum.errors);
    std::fflush(stderr);
  }
}

}  // namespace millrace::bench
