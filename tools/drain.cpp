// See drain.h.
#include "tools/drain.h"

#include <algorithm>

namespace millrace::tools {

namespace {

using std::chrono::milliseconds;

// What load balancers check every 2 s notice twice within it.
constexpr milliseconds cluster_notice{5'000};
// Of the deadline, where only that was given: a short one was meant to be short.
constexpr int cluster_notice_part = 5;
// A client that is busy sends its next request within it.
constexpr milliseconds closing_max{1'000};

}  // namespace

DrainPlan plan_drain(const ServeOptions& options, bool clustered, milliseconds not_ready) {
  const milliseconds deadline = options.drain_deadline;
  // Whoever starts a server by hand has no load balancer, and wants his prompt back.
  milliseconds notice{0};
  if (options.drain_notice) {
    notice = *options.drain_notice;
  } else if (clustered) {
    notice = std::min(cluster_notice, deadline / cluster_notice_part);
  }
  const milliseconds left = std::max(notice - not_ready, milliseconds{0});
  return {.notice_end = std::min(left, deadline),
          .closing_end = std::min(left + std::min(notice, closing_max), deadline),
          .deadline = deadline};
}

}  // namespace millrace::tools
