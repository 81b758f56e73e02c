// Whether the filesystems are suspect: a request's sync failed, and the probes, which sync as well,
// have not yet shown that it was for once. Pure; kept by the health shard.
// A failed sync takes nothing back that was acknowledged: its request was refused, what it had
// written was dropped, and no sync is tried again (its second success would say nothing of what
// the first one lost). So the filesystem may be trusted again; but a probe of one small file once a
// second can miss what the requests' files meet, so one success is not enough.
#pragma once

#include "health/limits.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace::health {

// What one filesystem's probe has counted; see FilesystemProbe.
struct ProbeCounts {
  std::uint64_t rounds = 0;
  std::uint64_t rounds_failed = 0;
};

class Suspicion {
 public:
  static constexpr std::size_t filesystems_max = 16;

  // At each refresh: whether a sync has failed since the last one, and the probes' counts, in an
  // order that stays. Whether the filesystems are suspect now.
  bool observe(bool sync_failed, std::span<const ProbeCounts> probes);

 private:
  bool held_ = false;
  std::array<ProbeCounts, filesystems_max> since_{};
};

}  // namespace millrace::health
