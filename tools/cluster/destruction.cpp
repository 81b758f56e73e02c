// See destruction.h.
#include "tools/cluster/destruction.h"

#include "s3/store/key.h"
#include "tools/cluster/found.h"
#include "tools/credentials_file.h"
#include "tools/data_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <thread>

namespace millrace::tools {

using health::cluster::ConfigDirectory;
using health::cluster::Configuration;
using health::cluster::Secrets;
using Publication = health::cluster::DocumentStore::Publication;

namespace {

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

// Nothing: somebody else has given the data back meanwhile.
Allowed<std::optional<DataDirectory>> wait_for_data(const Configuration& configuration,
                                                    std::chrono::milliseconds patience) {
  const auto& [name, path, id] = configuration.data.front();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (DataDirectory::check_of_cluster(path, id, {}).has_value()) return std::nullopt;
    auto data =
        DataDirectory::open_of_cluster(path, id, configuration.id, DataDirectory::Sharing::alone);
    if (data.has_value()) return std::optional(std::move(*data));
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

std::unexpected<DestructionRefusal> refuse_destruction(Refusal refusal) {
  return std::unexpected(DestructionRefusal{std::move(refusal), std::nullopt});
}

}  // namespace

// The secrets go last: as long as they are there, destroy goes on where it was, and nobody makes
// another cluster here.
Allowed<> finish_destruction(ConfigDirectory& directory, const Configuration& configuration,
                             std::chrono::milliseconds patience) {
  const auto secrets = directory.read_secrets(configuration.id);
  if (!secrets) {
    return refuse(directory.path(), "the cluster's secrets can't be read",
                  "restore them: the root keys would be lost");
  }
  if (!*secrets) return {};
  const auto& [name, path, id] = configuration.data.front();
  if (DataDirectory::check_of_cluster(path, id, {}).has_value()) {
    return remove_rest(directory, configuration);
  }
  if (auto there = DataDirectory::check_of_cluster(path, id, configuration.id);
      !there.has_value()) {
    return there;
  }
  auto data = wait_for_data(configuration, patience);
  if (!data.has_value()) return std::unexpected(std::move(data.error()));
  if (!*data) return remove_rest(directory, configuration);
  Credentials credentials;
  credentials.access_key = (*secrets)->access_key;
  credentials.secret_key = (*secrets)->secret_key;
  if (auto kept = keep_credentials((*data)->system_fd(), (*data)->system_path(), credentials);
      !kept.has_value()) {
    return kept;
  }
  if (auto given = (*data)->give_to({}); !given.has_value()) return given;
  return remove_rest(directory, configuration);
}

std::expected<Configuration, DestructionRefusal> begin_destruction(
    ConfigDirectory& directory, const Confirmation& confirmation) {
  auto reading = read_cluster(directory);
  if (!reading.has_value()) return refuse_destruction(std::move(reading.error()));
  const Configuration& configuration = reading->configuration;
  if (reading->generation == 0) {
    return refuse_destruction(refuse_absent(directory.path()).error());
  }
  const auto secrets = directory.read_secrets(configuration.id);
  if (!secrets) {
    return refuse_destruction({directory.path(), "the cluster's secrets can't be read",
                               "restore them: the root keys would be lost"});
  }
  // One that was cut short goes on where it was.
  if (configuration.destroyed && *secrets) return configuration;
  if (configuration.destroyed || !*secrets) {
    return refuse_destruction(refuse_absent(directory.path()).error());
  }
  const auto& [data_name, data_path, data_id] = configuration.data.front();
  if (auto there = DataDirectory::check_of_cluster(data_path, data_id, configuration.id);
      !there.has_value()) {
    return refuse_destruction(std::move(there.error()));
  }
  if (const auto buckets = bucket_names(data_path); !buckets.empty() && !confirmation.force) {
    return refuse_destruction({data_path, fmt::format("has {} bucket(s)", buckets.size()),
                               "objects stay, but nobody will serve them: give --force"});
  }
  if (!confirmation.force && confirmation.id != configuration.id) {
    return std::unexpected(DestructionRefusal{
        {"destroy", "was not confirmed", "type yes, or give --force"}, configuration});
  }
  Configuration last = configuration;
  last.destroyed = true;
  const auto published = directory.publish(last, reading->generation + 1);
  if (!published) {
    return refuse_destruction(
        {directory.path(), engine::describe(published.error()), look_at_mount});
  }
  if (*published == Publication::conflict) {
    return refuse_destruction({directory.path(), "was changed by somebody else", "try again"});
  }
  return configuration;
}

bool clear_away_cluster(const std::string& config_fs) {
  auto directory = open_cluster(config_fs);
  if (!directory.has_value()) return false;
  const auto reading = read_cluster(*directory);
  if (!reading.has_value() || !reading->configuration.destroyed) return false;
  std::ignore = finish_destruction(*directory, reading->configuration, {});
  return true;
}

}  // namespace millrace::tools
