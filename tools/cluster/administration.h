// The verbs of `millrace cluster` that change something. Each prints what it did, or one line that
// says why it refused, having changed nothing. Main thread; blocks.
#pragma once

#include "tools/cluster/command.h"

namespace millrace::tools {

int create_cluster(const ClusterCommand& command, const char* const* environment);
int change_containers(const ClusterCommand& command);
int destroy_cluster(const ClusterCommand& command);

}  // namespace millrace::tools
