// Whether this node should be sent requests, and how loaded it is. Pure functions over what the
// health shard has read; no clock, no I/O.
// Invariant: liveness is not among the results, because it depends on nothing here: a process
// whose health shard answers is live, however loaded it or its storage may be.
#pragma once

#include "health/filesystem_probe.h"
#include "health/limits.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace millrace::health {

// In the order of precedence: the first that holds is told.
enum class Reason : std::uint8_t {
  ready,
  draining,
  starting,  // or a filesystem has not been probed yet
  shard_stuck,
  filesystem_hung,
  filesystem_failed,
  filesystem_suspect,  // a request's sync failed, and too few probes have succeeded since
  filesystem_read_only,
  filesystem_full,
  over_capacity,
  view_stale,  // the health shard itself has stopped; only told on other ports
};
inline constexpr std::size_t reason_count = 11;
// "shard stuck": for bodies and labels; never names a path or an address.
std::string_view reason_text(Reason reason);

struct Load {
  std::uint64_t requests_active = 0;
  std::uint64_t requests_max = 0;  // 0: requests don't count
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_max_bytes = 0;  // 0: memory doesn't count
};
// The larger of requests and memory, each against its maximum; 0.0 to 1.0.
double score(const Load& load);

struct Policy {
  std::uint64_t heartbeat_age_max_ns = limits::heartbeat_age_max_ns;
  // Above it (not at it) the node is not ready; so 1.0 is never.
  double capacity_threshold = 1.0;
  // A full filesystem still serves reads and, above all, the deletes that make room.
  bool ready_when_full = true;
  // A filesystem without its quorum, or after an error, turns read-only: others may serve.
  bool ready_when_read_only = false;
};

struct Inputs {
  std::uint64_t now_ns = 0;  // monotonic
  // The end of the last pause of the whole process; silence before it is nobody's fault.
  std::uint64_t resumed_ns = 0;
  bool started = false;
  bool draining = false;
  bool was_over_capacity = false;                // the last answer's reason was over_capacity
  std::span<const std::uint64_t> heartbeats_ns;  // one a frontend; 0: it has not turned yet
  std::span<const Verdict> filesystems;
  bool suspect = false;  // see suspicion.h
  Load load;
};

struct Readiness {
  Reason reason = Reason::starting;
  double score = 0.0;
  bool ready() const { return reason == Reason::ready; }
};

Readiness judge(const Inputs& inputs, const Policy& policy);

}  // namespace millrace::health
