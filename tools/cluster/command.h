// `millrace cluster VERB`: its command line and what each verb is given. Main thread.
// Exit status: 0 done, 1 refused (one line says why), 2 wrong usage.
#pragma once

#include "tools/refusal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::tools {

struct ClusterCommand {
  enum class Verb : std::uint8_t {
    help,
    create,
    status,
    containers_list,
    containers_add,
    containers_remove,
    containers_drain,
    containers_undrain,
    destroy,
    events,
  };

  Verb verb = Verb::help;
  std::string help;  // the page to print when the verb is help
  std::string config_fs;
  std::vector<std::string> data;  // NAME=DIR
  std::vector<std::string> containers;
  std::vector<std::string> domains;
  std::optional<std::uint16_t> port;
  std::optional<std::uint16_t> health_port;
  std::string region;
  std::string durability;
  bool json = false;
  bool watch = false;
  bool follow = false;
  bool force = false;
};

// The words after `millrace cluster`. A refusal is an error of usage.
Allowed<ClusterCommand> parse_cluster_command(int count, const char* const* words);

// Parses and runs; prints. The exit status.
int cluster_command(int count, const char* const* words, const char* const* environment);

}  // namespace millrace::tools
