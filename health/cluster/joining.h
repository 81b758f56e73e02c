// How a process becomes one of a cluster's containers. Blocks; main thread, at start.
#pragma once

#include "health/cluster/config_directory.h"

#include <cstdint>
#include <expected>
#include <string>

namespace millrace::health::cluster {

// What joining found; the name is this process's from then on.
struct Joined {
  std::string name;
  ConfigDirectory directory;
  engine::Descriptor name_lock;
  std::string epoch;      // of this process's beats: random
  std::uint32_t run = 1;  // above that of every beat of this name so far
  std::uint64_t generation = 0;
  Configuration configuration;
  // Those of the configuration that was met first: what the process serves by, from its start.
  Settings settings;
  Secrets secrets;
};

// Why a container may not join: what was looked at, what is wrong with it, what can be done.
struct JoinRefusal {
  std::string what;
  std::string why;
  std::string remedy;
};

// Takes the name, which is admitted and not another live container's; writes nothing. Waits for up
// to a second and a half where a beat of that name is there that may be another host's. `host` is
// this host's name.
std::expected<Joined, JoinRefusal> join(const std::string& config_fs, const std::string& name,
                                        const std::string& host);
// Writes the name into the configuration where it isn't yet.
std::expected<void, JoinRefusal> enter(Joined& joined);

}  // namespace millrace::health::cluster
