// Looking at a cluster through its configuration filesystem: what the configuration has, and what
// the containers' beats tell. One thread; blocks.
#pragma once

#include "health/cluster/config_directory.h"
#include "tools/refusal.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace millrace::tools {

struct Seen {
  std::string name;
  bool drained = false;
  std::optional<health::cluster::Beat> beat;  // none: it has never been here
  health::cluster::State state = health::cluster::State::inactive;
  // Its beat has stopped, but another container hears it over the network.
  bool heard_only = false;
};

// What one look found.
struct Picture {
  health::cluster::ClusterReading reading;
  std::vector<Seen> containers;

  // Those that load balancers send requests to.
  std::size_t active() const;
};

// The document of `status --json` and of GET /cluster/v1/status; see health/README.md.
nlohmann::json status_document(const Picture& picture);

class Observer {
 public:
  explicit Observer(health::cluster::ConfigDirectory directory)
      : directory_(std::move(directory)) {}

  // Looks until every container has been seen to beat, or has had the time to: up to two seconds
  // the first time, at once where it has been looking for long.
  Allowed<Picture> look();

 private:
  Allowed<Picture> glance();

  health::cluster::ConfigDirectory directory_;
  std::map<std::string, health::cluster::Liveness> liveness_;
  std::map<std::string, std::optional<health::cluster::Beat>> last_;
  std::uint64_t looked_ns_ = 0;
};

}  // namespace millrace::tools
