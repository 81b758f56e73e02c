// Changing a cluster's configuration: each change is an edit of the newest one, published as the
// next generation, and tried again when somebody else was quicker. Blocks; one thread.
#pragma once

#include "health/cluster/config_directory.h"
#include "tools/refusal.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace millrace::tools {

// What `update` was told; what is empty stays as it is.
struct SettingsChange {
  std::optional<std::uint16_t> port;
  std::optional<std::uint16_t> health_port;
  std::optional<std::vector<std::string>> domains;
  std::optional<std::string> region;
  std::optional<std::string> durability;
  std::optional<std::uint32_t> buckets_max;
  std::optional<std::uint32_t> anonymous_uid;
  std::optional<std::uint32_t> anonymous_gid;
  // Only these may join from now on, others leave; empty: whoever comes.
  std::optional<std::vector<std::string>> containers;
  bool finalize = false;  // to the highest feature level that every container's version knows
};

enum class ContainerChange : std::uint8_t { add, remove, drain, undrain };
const char* participle(ContainerChange change);  // "added"

using Edit = std::function<Allowed<>(health::cluster::Configuration& configuration)>;

struct Changed {
  std::uint64_t generation = 0;
  health::cluster::Configuration configuration;
  bool published = false;  // false: it was so already
};

Allowed<Changed> change_configuration(health::cluster::ConfigDirectory& directory,
                                      const Edit& edit);

// Edits. Pure, but for finalize, which is decided by the containers' beats.
Allowed<> edit_container(health::cluster::Configuration& configuration, ContainerChange change,
                         const std::string& name);
Allowed<> edit_settings(health::cluster::Configuration& configuration,
                        const SettingsChange& change);
Allowed<> finalize_level(health::cluster::Configuration& configuration,
                         const health::cluster::ConfigDirectory& directory);

// Refuses values that no container could serve by; domains become lower case.
Allowed<> check_settings(health::cluster::Configuration& configuration);

}  // namespace millrace::tools
