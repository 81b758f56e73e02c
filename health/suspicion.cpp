// See suspicion.h.
#include "health/suspicion.h"

#include <algorithm>

namespace millrace::health {

bool Suspicion::observe(bool sync_failed, std::span<const ProbeCounts> probes) {
  const auto watched = probes.first(std::min(probes.size(), filesystems_max));
  if (sync_failed) {
    held_ = true;
    std::ranges::copy(watched, since_.begin());
  }
  if (!held_) return false;
  bool trusted = true;
  for (std::size_t at = 0; at < watched.size(); ++at) {
    // A probe that fails begins the row anew.
    if (watched[at].rounds_failed != since_[at].rounds_failed) since_[at] = watched[at];
    // The first that ends may have begun before.
    if (watched[at].rounds < since_[at].rounds + limits::probes_to_trust + 1) trusted = false;
  }
  held_ = !trusted;
  return held_;
}

}  // namespace millrace::health
