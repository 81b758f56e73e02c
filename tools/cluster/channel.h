// How the command line reaches a cluster: by the configuration filesystem where it is mounted, else
// over the REST interface of any container. Main thread; blocks.
#pragma once

#include "tools/cluster/command.h"
#include "tools/cluster/desk.h"
#include "tools/cluster/remote.h"

#include <variant>

namespace millrace::tools {

class Channel {
 public:
  // Refuses an endpoint that is none, and one without keys in the environment.
  static Allowed<Channel> open(const ClusterCommand& command, const char* const* environment);

  // The body of a good answer; what was refused, as a refusal.
  Allowed<nlohmann::json> ask(std::string method, std::string path,
                              nlohmann::json body = nlohmann::json::object());
  // The same, but with whatever an answer of refusal has.
  Allowed<DeskAnswer> ask_whole(const DeskRequest& request);

  bool remote() const { return std::holds_alternative<Remote>(way_); }

 private:
  explicit Channel(std::variant<Desk, Remote> way) : way_(std::move(way)) {}

  std::variant<Desk, Remote> way_;
};

}  // namespace millrace::tools
