// See readiness.h.
#include "health/readiness.h"

#include <algorithm>

namespace millrace::health {

namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

Reason judge_frontends(const Inputs& inputs, const Policy& policy) {
  Reason reason = Reason::ready;
  for (const std::uint64_t heartbeat_ns : inputs.heartbeats_ns) {
    // Never turned, so its silence has no beginning to be measured from.
    if (heartbeat_ns == 0) {
      reason = Reason::starting;
      continue;
    }
    const std::uint64_t heard_ns = std::max(heartbeat_ns, inputs.resumed_ns);
    if (inputs.now_ns > heard_ns + policy.heartbeat_age_max_ns) return Reason::shard_stuck;
  }
  return reason;
}

Reason judge_filesystem(FilesystemState state, const Policy& policy) {
  switch (state) {
    case FilesystemState::ok: return Reason::ready;
    case FilesystemState::unknown: return Reason::starting;
    case FilesystemState::hung: return Reason::filesystem_hung;
    case FilesystemState::failed: return Reason::filesystem_failed;
    case FilesystemState::read_only:
      return policy.ready_when_read_only ? Reason::ready : Reason::filesystem_read_only;
    case FilesystemState::full:
      return policy.ready_when_full ? Reason::ready : Reason::filesystem_full;
  }
  return Reason::filesystem_failed;
}

bool over_capacity(const Inputs& inputs, const Policy& policy, double now) {
  if (now > policy.capacity_threshold) return true;
  return inputs.was_over_capacity && policy.capacity_threshold < 1.0 &&
         now > policy.capacity_threshold * limits::capacity_hysteresis;
}

Reason find_reason(const Inputs& inputs, const Policy& policy, double now) {
  if (inputs.draining) return Reason::draining;
  if (!inputs.started) return Reason::starting;
  // Among several complaints the first in the order of Reason is told.
  Reason worst = judge_frontends(inputs, policy);
  const auto consider = [&worst](Reason reason) {
    if (reason != Reason::ready && (worst == Reason::ready || reason < worst)) worst = reason;
  };
  for (const Verdict& verdict : inputs.filesystems) {
    consider(judge_filesystem(verdict.state, policy));
  }
  if (inputs.suspect) consider(Reason::filesystem_suspect);
  if (over_capacity(inputs, policy, now)) consider(Reason::over_capacity);
  return worst;
}

}  // namespace

std::string_view reason_text(Reason reason) {
  switch (reason) {
    case Reason::ready: return "ready";
    case Reason::draining: return "draining";
    case Reason::starting: return "starting";
    case Reason::shard_stuck: return "shard stuck";
    case Reason::filesystem_hung: return "filesystem hung";
    case Reason::filesystem_failed: return "filesystem failed";
    case Reason::filesystem_suspect: return "filesystem suspect";
    case Reason::filesystem_read_only: return "filesystem read-only";
    case Reason::filesystem_full: return "filesystem full";
    case Reason::over_capacity: return "over capacity";
    case Reason::view_stale: return "view stale";
  }
  return "starting";
}

double score(const Load& load) {
  return std::min(1.0, std::max(ratio(load.requests_active, load.requests_max),
                                ratio(load.memory_bytes, load.memory_max_bytes)));
}

Readiness judge(const Inputs& inputs, const Policy& policy) {
  const double now = score(inputs.load);
  return {find_reason(inputs, policy, now), now};
}

}  // namespace millrace::health
