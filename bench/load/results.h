// What a run came to: counted by each thread for itself, merged over threads and hosts.
#pragma once

#include "bench/load/latency.h"
#include "bench/load/settings.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace millrace::bench {

// Operations that ended well in the window; errors stand apart and have no latency.
struct Tally {
  std::uint64_t operations = 0;
  std::uint64_t requests = 0;        // of HTTP: a multipart upload has several
  std::uint64_t bytes_sent = 0;      // of bodies
  std::uint64_t bytes_received = 0;  // of bodies
  std::uint64_t errors = 0;
  Latencies latency;

  void merge(const Tally& other);
};

struct EndpointTally {
  Tally tally;
  std::uint64_t connects = 0;  // these three over the whole run
  std::uint64_t connect_failures = 0;
  std::uint64_t left_out = 0;  // how often it failed and was left alone for a time

  void merge(const EndpointTally& other);
};

struct Second {
  std::uint64_t operations = 0;
  std::uint64_t bytes = 0;  // of bodies, both ways
  std::uint64_t errors = 0;
  Latencies::Packed latency;
};

// Why a run ended; what is greater wins where threads differ.
enum class Ending : std::uint8_t { duration, requests, objects, interrupted };

struct Results {
  std::array<Tally, operation_count> operations;
  std::vector<EndpointTally> endpoints;
  std::map<std::pair<Operation, std::string>, std::uint64_t> errors;
  std::vector<Second> seconds;

  std::uint64_t window_ns = 0;
  Ending ending = Ending::duration;
  // Over the whole run, warm-up and what came after the window included.
  std::uint64_t requests_sent = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t errors_outside = 0;
  // Begun in the window and not ended in it.
  std::uint64_t unfinished = 0;
  std::uint64_t unfinished_oldest_ns = 0;  // how old at the window's end
  // Open loop: due in the window and not begun in it, and how late the others began.
  std::uint64_t unstarted = 0;
  Latencies start_delay;

  std::uint64_t processor_ns = 0;    // of the threads, in the window
  std::vector<std::uint64_t> fresh;  // objects that each thread has put beside the prepared ones

  void merge(const Results& other);
  Tally total() const;
};

}  // namespace millrace::bench
