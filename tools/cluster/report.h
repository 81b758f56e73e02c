// The verbs of `millrace cluster` that only look. Main thread; blocks.
#pragma once

#include "tools/cluster/command.h"

namespace millrace::tools {

// `status` and `containers list`: what the configuration has and the beats tell.
int report_status(const ClusterCommand& command, const char* const* environment);
int report_events(const ClusterCommand& command, const char* const* environment);

}  // namespace millrace::tools
