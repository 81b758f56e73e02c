// `millrace cluster VERB`: its command line and what each verb is given. Main thread.
// Exit status: 0 done, 1 refused (one line says why), 2 wrong usage, 3 published but not confirmed
// by every container in time.
#pragma once

#include "tools/refusal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::tools {

inline constexpr int exit_unconfirmed = 3;

struct ClusterCommand {
  enum class Verb : std::uint8_t {
    help,
    create,
    status,
    update,
    containers_list,
    containers_add,
    containers_remove,
    containers_drain,
    containers_undrain,
    destroy,
    events,
  };

  Verb verb = Verb::help;
  std::string help;       // the page to print when the verb is help
  std::string config_fs;  // this or
  std::string endpoint;   // a container's health port, for all verbs but create
  std::string ca_bundle;
  std::vector<std::string> data;  // NAME=DIR
  std::vector<std::string> containers;
  std::vector<std::string> domains;
  std::optional<std::uint16_t> port;
  std::optional<std::uint16_t> health_port;
  std::optional<std::string> region;
  std::optional<std::string> durability;
  std::optional<std::uint32_t> buckets_max;
  std::optional<std::uint32_t> anonymous_uid;
  std::optional<std::uint32_t> anonymous_gid;
  bool no_domain = false;
  bool any_container = false;
  bool finalize = false;
  unsigned wait_s = 120;  // for confirmations
  bool json = false;
  bool watch = false;
  bool follow = false;
  bool force = false;
};

// The words after `millrace cluster`. A refusal is an error of usage.
Allowed<ClusterCommand> parse_cluster_command(int count, const char* const* words,
                                              const char* const* environment);

// Parses and runs; prints. The exit status.
int cluster_command(int count, const char* const* words, const char* const* environment);

}  // namespace millrace::tools
