// Ending a cluster: the service and its configuration go, every object stays. In two parts, since
// the containers have to leave in between. Blocks.
#pragma once

#include "health/cluster/config_directory.h"
#include "tools/refusal.h"

#include <chrono>
#include <expected>
#include <optional>
#include <string>

namespace millrace::tools {

struct Confirmation {
  bool force = false;  // also with buckets, and without being asked
  std::string id;      // of the cluster that is meant; else it has to be asked
};

struct DestructionRefusal {
  Refusal refusal;
  // Set when nothing is wrong but that nobody has confirmed.
  std::optional<health::cluster::Configuration> unconfirmed;
};

// Publishes the last generation; every container sees it within a second, drains and stops. One
// that was cut short is taken up where it was.
std::expected<health::cluster::Configuration, DestructionRefusal> begin_destruction(
    health::cluster::ConfigDirectory& directory, const Confirmation& confirmation);

// Gives the data back to standalone servers, root keys included, and removes the configuration,
// once no container has the data open: waits for that until the patience is over. Whoever comes
// last does it; done by somebody else is done.
Allowed<> finish_destruction(health::cluster::ConfigDirectory& directory,
                             const health::cluster::Configuration& configuration,
                             std::chrono::milliseconds patience);

// What a container that leaves a destroyed cluster does last: finishes it, if no other one is left.
// False where there is no destroyed one.
bool clear_away_cluster(const std::string& config_fs);

}  // namespace millrace::tools
