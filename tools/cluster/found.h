// Finding a cluster by its configuration filesystem, for every verb that needs one. Main thread.
#pragma once

#include "health/cluster/config_directory.h"
#include "tools/refusal.h"

#include <string>

namespace millrace::tools {

inline constexpr const char* look_at_mount = "look at the mount of the configuration filesystem";

// The cluster's directory; refuses where there is none.
Allowed<health::cluster::ConfigDirectory> open_cluster(const std::string& config_fs);

// The newest configuration, which may be none. Refuses where a newer one can't be used: whoever
// changed something then would change what he has not seen.
Allowed<health::cluster::ClusterReading> read_cluster(
    const health::cluster::ConfigDirectory& directory);

std::unexpected<Refusal> refuse_absent(const std::string& config_fs);

// Who the events of a command line are by.
std::string writer_name();

// Prints the one line. The exit status.
int refused(const Refusal& refusal);

}  // namespace millrace::tools
