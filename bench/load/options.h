// The command line of millrace-bench, by CLI11. Main thread, at start.
#pragma once

#include "bench/load/settings.h"

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace millrace::bench {

enum class Verb : std::uint8_t { run, agent, help, version };

struct HostAddress {
  std::string host;
  std::string port;
};

struct CommandLine {
  Verb verb = Verb::run;
  std::string help;
  Settings settings;  // not resolved
  std::string json;   // a path, "-" for standard output; empty: none
  std::string csv;
  bool quiet = false;
  std::vector<HostAddress> hosts;  // agents to coordinate; none: this host alone
  HostAddress listen;              // of an agent
  std::string token;
};

// The error is one line without the program's name.
std::expected<CommandLine, std::string> parse_command_line(int count, const char* const* arguments);

}  // namespace millrace::bench
