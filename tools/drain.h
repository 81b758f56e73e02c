// How a server leaves, as times from the moment it is told to. Pure.
// 1. Notice: readiness is off, everything else goes on, so that whoever looks at readiness sends
//    the next request elsewhere before anything is refused.
// 2. Closing: answers carry `Connection: close`, so that clients who keep their connections leave
//    with an answer in hand. New connections are still taken.
// 3. Nobody new is taken, connections that wait for a request end, the others end with theirs.
// 4. At the deadline what is left is cut.
// A connection that its client believes to be open and that is closed under a request is the one
// failure that no client may repeat a PUT after (RFC 9110 section 9.2.2): the first two steps are
// there to have none of those left at the third.
#pragma once

#include "tools/options.h"

#include <chrono>

namespace millrace::tools {

struct DrainPlan {
  std::chrono::milliseconds notice_end{0};
  std::chrono::milliseconds closing_end{0};
  std::chrono::milliseconds deadline{0};
};

// `not_ready` is for how long readiness has been off already (an administrator's drain, or a
// filesystem that fails): that was notice, too.
DrainPlan plan_drain(const ServeOptions& options, bool clustered,
                     std::chrono::milliseconds not_ready);

}  // namespace millrace::tools
