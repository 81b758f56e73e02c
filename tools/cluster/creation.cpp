// `millrace cluster create`: see administration.h.
#include "tools/cluster/administration.h"

#include "engine/small_file.h"
#include "health/cluster/config_directory.h"
#include "s3/store/key.h"
#include "tools/cluster/changes.h"
#include "tools/cluster/found.h"
#include "tools/credentials_file.h"
#include "tools/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

namespace millrace::tools {

namespace cluster = health::cluster;
using cluster::ClusterReading;
using cluster::ConfigDirectory;
using cluster::Configuration;
using Publication = cluster::DocumentStore::Publication;

namespace {

Allowed<std::string> real_path(const std::string& path, const char* what) {
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr),
                                                        &std::free);
  if (!resolved) return refuse_errno(path, errno, fmt::format("mount the {} there first", what));
  struct stat status = {};
  if (::stat(resolved.get(), &status) < 0 || !S_ISDIR(status.st_mode)) {
    return refuse(path, "isn't a directory", fmt::format("mount the {} there first", what));
  }
  return std::string(resolved.get());
}

// A name that was made here by nobody else, written, and taken away again.
Allowed<> check_writable(const std::string& directory) {
  const engine::Descriptor root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return refuse_errno(directory, errno, look_at_mount);
  const std::string name =
      ".millrace-probe-" + engine::random_text("abcdefghijklmnopqrstuvwxyz", 12);
  const auto written = engine::write_small_file(root.get(), name, "probe\n", 0600);
  ::unlinkat(root.get(), name.c_str(), 0);
  if (written) return {};
  return refuse(directory, std::string("can't be written: ") + engine::describe(written.error()),
                "mount the configuration filesystem writable for this user");
}

Allowed<cluster::DataFilesystem> parse_data(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  if (equals == std::string::npos || !cluster::container_name_valid(name)) {
    return refuse("--data", fmt::format("\"{}\" is not NAME=DIR", text),
                  "give a name of lower-case letters and digits, and the mounted directory");
  }
  auto directory = real_path(text.substr(equals + 1), "data filesystem");
  if (!directory.has_value()) return std::unexpected(std::move(directory.error()));
  if (!s3::store::utf8_valid(*directory)) {
    return refuse("--data", "the directory's path is not UTF-8", "mount it under another name");
  }
  return cluster::DataFilesystem{.name = name, .directory = std::move(*directory)};
}

bool is_inside(const std::string& inner, const std::string& outer) {
  return inner == outer || outer == "/" ||
         (inner.starts_with(outer) && inner.size() > outer.size() && inner[outer.size()] == '/');
}

// What `create` was told, checked as far as one can without looking at the filesystems.
Allowed<Configuration> plan(const ClusterCommand& command) {
  Configuration configuration;
  configuration.id = engine::random_text("0123456789abcdef", 32);
  if (command.data.size() != 1) {
    return refuse("--data", command.data.empty() ? "is missing" : "has several values",
                  "name the one data filesystem: --data NAME=DIR");
  }
  auto data = parse_data(command.data.front());
  if (!data.has_value()) return std::unexpected(std::move(data.error()));
  configuration.data.push_back(std::move(*data));
  configuration.port = command.port.value_or(configuration.port);
  configuration.health_port = command.health_port.value_or(configuration.health_port);
  configuration.region = command.region.value_or(configuration.region);
  configuration.durability = command.durability.value_or(configuration.durability);
  configuration.domains = command.domains;
  configuration.buckets_max = command.buckets_max.value_or(configuration.buckets_max);
  configuration.anonymous_uid = command.anonymous_uid.value_or(configuration.anonymous_uid);
  configuration.anonymous_gid = command.anonymous_gid.value_or(configuration.anonymous_gid);
  configuration.named_only = !command.containers.empty();
  for (const std::string& name : command.containers) {
    if (!cluster::container_name_valid(name)) {
      return refuse("--container", fmt::format("\"{}\" is no name for a container", name),
                    "use lower-case letters, digits, '-' and '.', 63 at most");
    }
    if (!configuration.add(name)) return refuse("--container", name + " is named twice", "");
  }
  if (auto fits = check_settings(configuration); !fits.has_value()) {
    return std::unexpected(std::move(fits.error()));
  }
  return configuration;
}

// Undoes what has been done of a creation that fails.
class Undo {
 public:
  Undo(ConfigDirectory& directory, DataDirectory& data, const std::string& cluster_id)
      : directory_(directory), data_(data), cluster_id_(cluster_id) {}
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    if (done_) return;
    std::ignore = data_.give_to({});
    std::ignore = directory_.remove_secrets(cluster_id_);
  }
  void done() { done_ = true; }

 private:
  ConfigDirectory& directory_;
  DataDirectory& data_;
  const std::string& cluster_id_;
  bool done_ = false;
};

struct Created {
  Configuration configuration;
  Credentials credentials;
};

Allowed<Created> create(const ClusterCommand& command, const char* const* environment) {
  auto configuration = plan(command);
  if (!configuration.has_value()) return std::unexpected(std::move(configuration.error()));
  auto config_fs = real_path(command.config_fs, "configuration filesystem");
  if (!config_fs.has_value()) return std::unexpected(std::move(config_fs.error()));
  const std::string& data_path = configuration->data.front().directory;
  if (is_inside(*config_fs, data_path)) {
    return refuse(command.config_fs, "is inside the data directory " + data_path,
                  "give the configuration a filesystem, or at least a directory, of its own");
  }
  if (auto writable = check_writable(*config_fs); !writable.has_value()) {
    return std::unexpected(std::move(writable.error()));
  }
  auto directory = ConfigDirectory::open(*config_fs, true);
  if (!directory) {
    return refuse(*config_fs, engine::describe(directory.error()), look_at_mount);
  }
  auto reading = read_cluster(*directory);
  if (!reading.has_value()) return std::unexpected(std::move(reading.error()));
  if (reading->exists()) {
    return refuse(*config_fs, "holds the cluster " + reading->configuration.id + " already",
                  "see `millrace cluster status`; to start anew, destroy it first");
  }
  if (reading->generation != 0) {
    const auto left = directory->read_secrets(reading->configuration.id);
    if (!left || *left) {
      return refuse(*config_fs, "holds a cluster that is not destroyed in whole",
                    "run `millrace cluster destroy` to the end");
    }
  }
  // Nobody else has it open from here on, so nobody can join before all is done.
  auto data = DataDirectory::open(
      data_path, command.force ? DataDirectory::Owner::lost_cluster : DataDirectory::Owner::nobody);
  if (!data.has_value()) return std::unexpected(std::move(data.error()));
  configuration->data.front().id = data->format().id;
  auto credentials = load_credentials(data->system_fd(), data->system_path(), environment);
  if (!credentials.has_value()) return std::unexpected(std::move(credentials.error()));
  Undo undo(*directory, *data, configuration->id);
  if (auto given = data->give_to(configuration->id); !given.has_value()) {
    return std::unexpected(std::move(given.error()));
  }
  const auto kept = directory->publish_secrets(
      configuration->id, {.access_key = credentials->access_key,
                          .secret_key = credentials->secret_key,
                          .peer_key = engine::random_text("0123456789abcdef", 64)});
  if (!kept) return refuse(*config_fs, engine::describe(kept.error()), look_at_mount);
  const auto published = directory->publish(*configuration, reading->generation + 1);
  if (!published) {
    return refuse(*config_fs, engine::describe(published.error()), look_at_mount);
  }
  if (*published == Publication::conflict) {
    return refuse(*config_fs, "another administrator has just created a cluster there",
                  "see `millrace cluster status`");
  }
  undo.done();
  directory->append_event(writer_name(), "cluster-created", configuration->id, "data " + data_path);
  return Created{std::move(*configuration), std::move(*credentials)};
}

}  // namespace

int create_cluster(const ClusterCommand& command, const char* const* environment) {
  const auto created = create(command, environment);
  if (!created.has_value()) return refused(created.error());
  const Configuration& configuration = created->configuration;
  fmt::print("Created the cluster {}.\n", configuration.id);
  fmt::print("  data       {} = {}\n", configuration.data.front().name,
             configuration.data.front().directory);
  fmt::print("  S3         port {} on every interface of every container\n", configuration.port);
  fmt::print("  health     port {}\n", configuration.health_port);
  if (configuration.named_only) {
    fmt::print("  admits     ");
    for (const auto& container : configuration.containers) fmt::print("{} ", container.name);
    fmt::print("only\n");
  } else {
    fmt::print("  admits     every container that mounts the configuration filesystem\n");
  }
  switch (created->credentials.source) {
    case Credentials::Source::generated:
      fmt::print("Root credentials, shown this once:\n  {}\n  {}\n",
                 created->credentials.access_key, created->credentials.secret_key);
      break;
    case Credentials::Source::file:
      fmt::print("Root credentials: those of {}/{}/credentials\n",
                 configuration.data.front().directory, system_directory_name);
      break;
    case Credentials::Source::environment:
      fmt::print("Root credentials: those of the environment\n");
      break;
  }
  fmt::print("Start a container on each host: millrace serve --config-fs {}\n", command.config_fs);
  return 0;
}

}  // namespace millrace::tools
