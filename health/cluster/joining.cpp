// Taking a name, being admitted, and writing it down; see joining.h.
#include "health/cluster/joining.h"

#include "engine/clock.h"
#include "engine/small_file.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

namespace millrace::health::cluster {

namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr int conflicts_max = 16;

std::unexpected<JoinRefusal> refuse(std::string what, std::string why, std::string remedy) {
  return std::unexpected(JoinRefusal{std::move(what), std::move(why), std::move(remedy)});
}

std::unexpected<JoinRefusal> refuse_fault(const Fault& fault) {
  return refuse(fault.path, fault.why,
                "start the version of millrace that wrote it, or restore it");
}

// Whether the counter of a beat moves while it is watched.
bool beats_now(const ConfigDirectory& directory, const Beat& first) {
  const std::uint64_t end_ns = engine::monotonic_ns() + (suspect_after_ms + beat_every_ms / 2) * ms;
  while (engine::monotonic_ns() < end_ns) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto beat = directory.read_beat(first.name);
    if (beat && (beat->epoch != first.epoch || beat->counter != first.counter)) return true;
  }
  return false;
}

// The configuration of a cluster that takes this container.
std::expected<ClusterReading, JoinRefusal> read_admitting(const ConfigDirectory& directory,
                                                          const std::string& name) {
  auto reading = directory.read();
  if (!reading) {
    return refuse(directory.path(), engine::describe(reading.error()), "look at the mount");
  }
  if (!reading->faults.empty()) return refuse_fault(reading->faults.front());
  if (!reading->exists()) {
    return refuse(directory.path(), "holds no cluster",
                  "run `millrace cluster create`, or give --config-fs another directory");
  }
  const Configuration& configuration = reading->configuration;
  if (configuration.find(name) != nullptr) return std::move(*reading);
  if (configuration.named_only) {
    return refuse(name, "is not a container of this cluster",
                  "run `millrace cluster containers add " + name + "`, or give its --name");
  }
  if (configuration.containers.size() >= containers_max) {
    return refuse(name, fmt::format("the cluster has {} containers", containers_max),
                  "remove one that is no more: `millrace cluster containers remove`");
  }
  return std::move(*reading);
}

// Writes the name down where it isn't.
std::expected<ClusterReading, JoinRefusal> admit(ConfigDirectory& directory,
                                                 const std::string& name) {
  for (int turn = 0; turn < conflicts_max; ++turn) {
    auto reading = read_admitting(directory, name);
    if (!reading || !reading->configuration.add(name)) return reading;
    const Configuration& configuration = reading->configuration;
    const auto published = directory.publish(configuration, reading->generation + 1);
    if (!published) {
      return refuse(directory.path(), engine::describe(published.error()),
                    "the configuration filesystem must be writable");
    }
    if (*published == DocumentStore::Publication::done) {
      directory.append_event(name, "container-added", name, "joined for the first time");
      ++reading->generation;
      return std::move(*reading);
    }
  }
  return refuse(directory.path(), "changes faster than it can be read", "try again");
}

}  // namespace

std::expected<Joined, JoinRefusal> join(const std::string& config_fs, const std::string& name,
                                        const std::string& host) {
  if (!container_name_valid(name)) {
    return refuse("--name", fmt::format("\"{}\" is no name for a container", name),
                  "use lower-case letters, digits, '-' and '.', 63 at most");
  }
  auto directory = ConfigDirectory::open(config_fs, false);
  if (!directory) {
    return refuse(
        config_fs,
        directory.error().is(ENOENT) ? "holds no cluster" : engine::describe(directory.error()),
        "run `millrace cluster create`, or mount the configuration filesystem there");
  }
  // Before anything is written.
  if (auto admitted = read_admitting(*directory, name); !admitted) {
    return std::unexpected(std::move(admitted.error()));
  }
  auto lock = directory->lock_name(name);
  if (!lock) {
    if (lock.error().is(EAGAIN)) {
      return refuse(name, "a live container has this name", "stop it, or give another --name");
    }
    return refuse(directory->path(), engine::describe(lock.error()),
                  "the configuration filesystem must be writable, and have locks");
  }
  // Where hosts don't share locks, the beats tell.
  const auto beat = directory->read_beat(name);
  if (beat && beat->phase != Phase::left && beat->host != host && beats_now(*directory, *beat)) {
    return refuse(name, "a live container on " + beat->host + " has this name",
                  "stop it, or give another --name");
  }
  auto reading = read_admitting(*directory, name);
  if (!reading) return std::unexpected(std::move(reading.error()));
  auto secrets = directory->read_secrets(reading->configuration.id);
  if (!secrets || !*secrets) {
    return refuse(
        directory->path() + "/" + std::string(secrets_document_prefix) + reading->configuration.id,
        secrets ? "is missing" : engine::describe(secrets.error()),
        "restore it from a backup, or destroy and create the cluster");
  }
  Settings settings = reading->configuration.settings();
  return Joined{.name = name,
                .directory = std::move(*directory),
                .name_lock = std::move(*lock),
                .epoch = engine::random_text("0123456789abcdef", 16),
                .run = beat ? beat->run + 1 : 1,
                .generation = reading->generation,
                .configuration = std::move(reading->configuration),
                .settings = std::move(settings),
                .secrets = std::move(**secrets)};
}

std::expected<void, JoinRefusal> enter(Joined& joined) {
  auto reading = admit(joined.directory, joined.name);
  if (!reading) return std::unexpected(std::move(reading.error()));
  if (reading->configuration.id != joined.configuration.id) {
    return refuse(joined.directory.path(), "holds another cluster now", "start again");
  }
  joined.generation = reading->generation;
  joined.configuration = std::move(reading->configuration);
  return {};
}

}  // namespace millrace::health::cluster
