// See results.h.
#include "bench/load/results.h"

#include <algorithm>

namespace millrace::bench {
namespace {

void merge_second(Second& into, const Second& from) {
  into.operations += from.operations;
  into.bytes += from.bytes;
  into.errors += from.errors;
  if (into.latency.buckets.empty()) {
    into.latency = from.latency;
    return;
  }
  Latencies both;
  both.merge(into.latency);
  both.merge(from.latency);
  into.latency = both.pack();
}

}  // namespace

void Tally::merge(const Tally& other) {
  operations += other.operations;
  requests += other.requests;
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
  errors += other.errors;
  latency.merge(other.latency);
}

void EndpointTally::merge(const EndpointTally& other) {
  tally.merge(other.tally);
  connects += other.connects;
  connect_failures += other.connect_failures;
  left_out += other.left_out;
}

void Results::merge(const Results& other) {
  for (std::size_t i = 0; i < operations.size(); ++i) operations[i].merge(other.operations[i]);
  endpoints.resize(std::max(endpoints.size(), other.endpoints.size()));
  for (std::size_t i = 0; i < other.endpoints.size(); ++i) endpoints[i].merge(other.endpoints[i]);
  for (const auto& [what, count] : other.errors) errors[what] += count;
  seconds.resize(std::max(seconds.size(), other.seconds.size()));
  for (std::size_t i = 0; i < other.seconds.size(); ++i) merge_second(seconds[i], other.seconds[i]);
  window_ns = std::max(window_ns, other.window_ns);
  ending = std::max(ending, other.ending);
  requests_sent += other.requests_sent;
  reconnects += other.reconnects;
  errors_outside += other.errors_outside;
  unfinished += other.unfinished;
  unfinished_oldest_ns = std::max(unfinished_oldest_ns, other.unfinished_oldest_ns);
  unstarted += other.unstarted;
  start_delay.merge(other.start_delay);
  processor_ns += other.processor_ns;
  fresh.insert(fresh.end(), other.fresh.begin(), other.fresh.end());
}

Tally Results::total() const {
  Tally sum;
  for (const Tally& one : operations) sum.merge(one);
  return sum;
}

}  // namespace millrace::bench
