// What `millrace serve --config-fs` needs of its cluster before it starts. Main thread, at start.
#pragma once

#include "health/cluster/member.h"
#include "tools/credentials_file.h"
#include "tools/options.h"
#include "tools/refusal.h"

#include <string>

namespace millrace::tools {

// This host's name, in lower case.
std::string host_name();

// Takes the container's name, and fills in the options that the cluster's configuration has.
Allowed<health::cluster::Joined> join_cluster(ServeOptions& options);

// Writes the name into the configuration where it isn't there yet: when nothing can be refused any
// more.
Allowed<> enter_cluster(health::cluster::Joined& joined);

// Writes the process's first beat.
Allowed<> announce_epoch(const health::cluster::Joined& joined);

// The cluster's root keys. Refuses others in the environment.
Allowed<Credentials> cluster_credentials(const health::cluster::Joined& joined,
                                         const char* const* environment);

// Takes the values of a cluster's configuration, which may come from a newer or a careless hand.
Allowed<> apply_configuration(const health::cluster::Configuration& configuration,
                              ServeOptions& options);

}  // namespace millrace::tools
