// The verbs of `millrace cluster` that change something. Each prints what it did, or one line that
// says why it refused, having changed nothing. Main thread; blocks.
#pragma once

#include "tools/cluster/command.h"

namespace millrace::tools {

int create_cluster(const ClusterCommand& command, const char* const* environment);
// Publishes the settings, then waits until the containers that are alive serve by them, and says
// which do. exit_unconfirmed when the patience is over.
int update_cluster(const ClusterCommand& command, const char* const* environment);
int change_containers(const ClusterCommand& command, const char* const* environment);
int destroy_cluster(const ClusterCommand& command, const char* const* environment);

}  // namespace millrace::tools
