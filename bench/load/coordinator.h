// Several client hosts as one: sends them the settings, a common start, and merges what they
// counted. Main thread.
#pragma once

#include "bench/load/channel.h"
#include "bench/load/options.h"
#include "bench/load/results.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace millrace::bench {

class Coordinator {
 public:
  // Errors are one line, with the host's name.
  std::expected<void, std::string> connect(const CommandLine& line);
  std::expected<void, std::string> prepare(const Settings& settings);
  std::expected<Results, std::string> run(const Settings& settings);
  std::expected<void, std::string> clean_up();

 private:
  struct Host {
    std::string name;
    Channel channel;
  };
  std::expected<void, std::string> send(Host& host, const nlohmann::ordered_json& request);
  std::expected<nlohmann::ordered_json, std::string> receive(Host& host, std::uint64_t timeout_ms);

  std::vector<Host> hosts_;
};

}  // namespace millrace::bench
