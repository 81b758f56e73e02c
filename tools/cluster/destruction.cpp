// `millrace cluster destroy`: the service and its configuration go, every object stays.
#include "s3/store/key.h"
#include "tools/cluster/administration.h"
#include "tools/cluster/found.h"
#include "tools/credentials_file.h"
#include "tools/data_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

namespace millrace::tools {

using health::cluster::ConfigDirectory;
using health::cluster::Configuration;
using health::cluster::Secrets;
using Publication = health::cluster::DocumentStore::Publication;

namespace {

// Longer than the longest drain_deadline that is usual.
constexpr std::chrono::seconds leave_deadline{40};

std::vector<std::string> bucket_names(const std::string& data) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(data.c_str()), &::closedir);
  if (!directory) return names;
  while (const dirent* entry = ::readdir(directory.get())) {
    struct stat status = {};
    if (!s3::store::bucket_name_valid(entry->d_name)) continue;
    if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(status.st_mode)) {
      names.emplace_back(entry->d_name);
    }
  }
  std::ranges::sort(names);
  return names;
}

bool confirmed(const Configuration& configuration) {
  fmt::print(stderr, "This ends the cluster {} on {} container(s). Objects stay. Type yes: ",
             configuration.id, configuration.containers.size());
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

// Waits until the last container has gone: each sees within a second that the cluster is no more,
// and drains.
Allowed<DataDirectory> wait_for_data(const Configuration& configuration) {
  const auto& [name, path, id] = configuration.data.front();
  const auto deadline = std::chrono::steady_clock::now() + leave_deadline;
  for (;;) {
    auto data =
        DataDirectory::open_of_cluster(path, id, configuration.id, DataDirectory::Sharing::alone);
    if (data.has_value()) return data;
    if (std::chrono::steady_clock::now() > deadline) {
      return refuse(path, "containers of the cluster, which is ended, are still leaving",
                    "stop those that hang, then run destroy again: it goes on where it was");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

Allowed<> remove_rest(ConfigDirectory& directory, const Configuration& configuration) {
  auto removed = directory.remove_contents();
  if (removed) removed = directory.remove_secrets(configuration.id);
  if (removed) return {};
  return refuse(directory.path(), engine::describe(removed.error()), "run destroy again");
}

// The secrets go last: as long as they are there, destroy goes on where it was, and nobody makes
// another cluster here.
Allowed<> finish_destruction(ConfigDirectory& directory, const Configuration& configuration,
                             const Secrets& secrets) {
  const auto& [name, path, id] = configuration.data.front();
  // Cut short after that: only the rest is left to do.
  if (DataDirectory::check_of_cluster(path, id, {}).has_value()) {
    return remove_rest(directory, configuration);
  }
  if (auto there = DataDirectory::check_of_cluster(path, id, configuration.id);
      !there.has_value()) {
    return there;
  }
  auto data = wait_for_data(configuration);
  if (!data.has_value()) return std::unexpected(std::move(data.error()));
  Credentials credentials;
  credentials.access_key = secrets.access_key;
  credentials.secret_key = secrets.secret_key;
  if (auto kept = keep_credentials(data->system_fd(), data->system_path(), credentials);
      !kept.has_value()) {
    return kept;
  }
  if (auto given = data->give_to({}); !given.has_value()) return given;
  return remove_rest(directory, configuration);
}

Allowed<> destroy(const ClusterCommand& command) {
  auto directory = open_cluster(command.config_fs);
  if (!directory.has_value()) return std::unexpected(std::move(directory.error()));
  auto reading = read_cluster(*directory);
  if (!reading.has_value()) return std::unexpected(std::move(reading.error()));
  const Configuration configuration = reading->configuration;
  if (reading->generation == 0) return refuse_absent(command.config_fs);
  const auto secrets = directory->read_secrets(configuration.id);
  if (!secrets) {
    return refuse(directory->path(), "the cluster's secrets can't be read",
                  "restore them: the root keys would be lost");
  }
  // One that was cut short goes on where it was.
  if (configuration.destroyed && *secrets) {
    return finish_destruction(*directory, configuration, **secrets);
  }
  if (configuration.destroyed || !*secrets) return refuse_absent(command.config_fs);
  const auto& [data_name, data_path, data_id] = configuration.data.front();
  if (auto there = DataDirectory::check_of_cluster(data_path, data_id, configuration.id);
      !there.has_value()) {
    return there;
  }
  if (const auto buckets = bucket_names(data_path); !buckets.empty() && !command.force) {
    return refuse(data_path, fmt::format("has {} bucket(s)", buckets.size()),
                  "objects stay, but nobody will serve them: give --force");
  }
  if (!command.force && !confirmed(configuration)) {
    return refuse("destroy", "was not confirmed", "type yes, or give --force");
  }
  Configuration last = configuration;
  last.destroyed = true;
  const auto published = directory->publish(last, reading->generation + 1);
  if (!published) {
    return refuse(command.config_fs, engine::describe(published.error()), look_at_mount);
  }
  if (*published == Publication::conflict) {
    return refuse(command.config_fs, "was changed by somebody else meanwhile", "try again");
  }
  return finish_destruction(*directory, configuration, **secrets);
}

}  // namespace

int destroy_cluster(const ClusterCommand& command) {
  const auto destroyed = destroy(command);
  if (!destroyed.has_value()) return refused(destroyed.error());
  fmt::print(
      "Destroyed. The objects are where they were; serve them with `millrace serve "
      "--data`.\n");
  return 0;
}

}  // namespace millrace::tools
