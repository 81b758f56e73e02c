// The side of a client host: waits for a coordinator, does its share of a run, sends its results.
// Main thread.
#pragma once

#include "bench/load/options.h"

#include <atomic>

namespace millrace::bench {

// Serves coordinators, one after the other, until `interrupted`. The exit status.
int serve_agent(const CommandLine& line, std::atomic<bool>& interrupted);

}  // namespace millrace::bench
