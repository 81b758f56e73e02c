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
Allowed<DataDirectory> wait_for_data(const std::string& path, const std::string& cluster_id) {
  const auto deadline = std::chrono::steady_clock::now() + leave_deadline;
  for (;;) {
    auto data = DataDirectory::open(path, cluster_id);
    if (data.has_value() || std::chrono::steady_clock::now() > deadline) return data;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

Allowed<> finish_destruction(ConfigDirectory& directory, const Configuration& configuration) {
  const std::string& data_path = configuration.data.front().directory;
  auto data = wait_for_data(data_path, configuration.id);
  if (!data.has_value()) return std::unexpected(std::move(data.error()));
  const auto secrets = directory.read_secrets();
  if (secrets && *secrets) {
    Credentials credentials;
    credentials.access_key = (*secrets)->access_key;
    credentials.secret_key = (*secrets)->secret_key;
    if (auto kept = keep_credentials(data->system_fd(), data->system_path(), credentials);
        !kept.has_value()) {
      return kept;
    }
  }
  if (auto given = data->give_to({}); !given.has_value()) return given;
  if (const auto removed = directory.remove_contents(); !removed) {
    return refuse(directory.path(), engine::describe(removed.error()), "remove it by hand");
  }
  return {};
}

Allowed<> destroy(const ClusterCommand& command) {
  auto directory = open_cluster(command.config_fs);
  if (!directory.has_value()) return std::unexpected(std::move(directory.error()));
  auto reading = read_cluster(*directory);
  if (!reading.has_value()) return std::unexpected(std::move(reading.error()));
  const Configuration configuration = reading->configuration;
  // One that was cut short goes on where it was.
  if (configuration.destroyed && directory->read_secrets().value_or(std::nullopt)) {
    return finish_destruction(*directory, configuration);
  }
  if (!reading->exists()) return refuse_absent(command.config_fs);
  const std::string& data_path = configuration.data.front().directory;
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
  return finish_destruction(*directory, configuration);
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
