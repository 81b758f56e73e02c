// See changes.h.
#include "tools/cluster/changes.h"

#include "tools/cluster/found.h"
#include "tools/cluster/join.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::tools {

namespace cluster = health::cluster;
using cluster::ConfigDirectory;
using cluster::Configuration;
using Publication = cluster::DocumentStore::Publication;

namespace {

constexpr int conflicts_max = 16;

std::unexpected<Refusal> refuse_name(const std::string& name) {
  return refuse(name, "is no name for a container",
                "use lower-case letters, digits, '-' and '.', 63 at most");
}

std::unexpected<Refusal> refuse_number() {
  return refuse("containers", fmt::format("are more than {}", cluster::containers_max),
                "remove those that are no more");
}

// The containers that may join; those that stay keep what is known of them.
Allowed<> admit_only(Configuration& configuration, const std::vector<std::string>& names) {
  if (names.empty()) {
    configuration.named_only = false;
    return {};
  }
  for (const std::string& name : names) {
    if (!cluster::container_name_valid(name)) return refuse_name(name);
    configuration.add(name);
  }
  if (names.size() > cluster::containers_max) return refuse_number();
  std::erase_if(configuration.containers, [&](const cluster::Container& each) {
    return std::ranges::find(names, each.name) == names.end();
  });
  configuration.named_only = true;
  return {};
}

}  // namespace

const char* participle(ContainerChange change) {
  switch (change) {
    case ContainerChange::add: return "added";
    case ContainerChange::remove: return "removed";
    case ContainerChange::drain: return "drained";
    case ContainerChange::undrain: break;
  }
  return "undrained";
}

Allowed<Changed> change_configuration(ConfigDirectory& directory, const Edit& edit) {
  for (int turn = 0; turn < conflicts_max; ++turn) {
    auto reading = read_cluster(directory);
    if (!reading.has_value()) return std::unexpected(std::move(reading.error()));
    if (!reading->exists()) return refuse_absent(directory.path());
    Configuration configuration = reading->configuration;
    if (auto edited = edit(configuration); !edited.has_value()) {
      return std::unexpected(std::move(edited.error()));
    }
    if (configuration == reading->configuration) {
      return Changed{reading->generation, std::move(configuration), false};
    }
    const auto published = directory.publish(configuration, reading->generation + 1);
    if (!published) {
      return refuse(directory.path(), engine::describe(published.error()), look_at_mount);
    }
    if (*published == Publication::done) {
      return Changed{reading->generation + 1, std::move(configuration), true};
    }
  }
  return refuse(directory.path(), "changes faster than it can be read", "try again");
}

Allowed<> edit_container(Configuration& configuration, ContainerChange change,
                         const std::string& name) {
  if (change == ContainerChange::add) {
    if (!cluster::container_name_valid(name)) return refuse_name(name);
    if (!configuration.add(name)) return refuse(name, "is in the cluster already", "");
    if (configuration.containers.size() > cluster::containers_max) return refuse_number();
    return {};
  }
  cluster::Container* const container = configuration.find(name);
  if (container == nullptr) {
    return refuse(name, "is not in the cluster", "see `millrace cluster containers list`");
  }
  if (change != ContainerChange::remove) {
    container->drained = change == ContainerChange::drain;
    return {};
  }
  if (configuration.containers.size() == 1) {
    return refuse(name, "is the cluster's last container",
                  "add another one first, or run `millrace cluster destroy`");
  }
  std::erase_if(configuration.containers,
                [&](const cluster::Container& each) { return each.name == name; });
  return {};
}

Allowed<> check_settings(Configuration& configuration) {
  if (configuration.port == configuration.health_port) {
    return refuse("--health-port", "is the S3 port, too", "give it a port of its own");
  }
  ServeOptions options;
  if (auto fits = apply_configuration(configuration, options); !fits.has_value()) return fits;
  configuration.domains = options.domains;
  return {};
}

Allowed<> edit_settings(Configuration& configuration, const SettingsChange& change) {
  const auto take = [](auto& into, const auto& from) {
    if (from) into = *from;
  };
  take(configuration.port, change.port);
  take(configuration.health_port, change.health_port);
  take(configuration.domains, change.domains);
  take(configuration.region, change.region);
  take(configuration.durability, change.durability);
  take(configuration.buckets_max, change.buckets_max);
  take(configuration.anonymous_uid, change.anonymous_uid);
  take(configuration.anonymous_gid, change.anonymous_gid);
  if (change.containers) {
    if (auto admitted = admit_only(configuration, *change.containers); !admitted.has_value()) {
      return admitted;
    }
  }
  return check_settings(configuration);
}

Allowed<> finalize_level(Configuration& configuration, const ConfigDirectory& directory) {
  unsigned level = cluster::feature_level_known;
  for (const cluster::Container& container : configuration.containers) {
    const auto found = directory.look_for_beat(container.name);
    if (!found) return refuse(container.name, engine::describe(found.error()), look_at_mount);
    const std::optional<cluster::Beat>& beat = *found;
    if (!beat) {
      return refuse(container.name, "has never joined, so its version is not known",
                    "start it once, or remove it from the cluster");
    }
    level = std::min(level, beat->feature_level);
  }
  configuration.feature_level = std::max(configuration.feature_level, level);
  return {};
}

}  // namespace millrace::tools
