// See channel.h.
#include "tools/cluster/channel.h"

#include "tools/cluster/found.h"

namespace millrace::tools {

using nlohmann::json;

Allowed<Channel> Channel::open(const ClusterCommand& command, const char* const* environment) {
  if (command.endpoint.empty()) return Channel(Desk(command.config_fs, writer_name()));
  auto remote = Remote::open(command.endpoint, command.ca_bundle, environment);
  if (!remote.has_value()) return std::unexpected(std::move(remote.error()));
  return Channel(std::move(*remote));
}

Allowed<DeskAnswer> Channel::ask_whole(const DeskRequest& request) {
  if (auto* const desk = std::get_if<Desk>(&way_)) return desk->answer(request);
  return std::get<Remote>(way_).ask(request);
}

Allowed<json> Channel::ask(std::string method, std::string path, json body) {
  auto answer =
      ask_whole({.method = std::move(method), .path = std::move(path), .body = std::move(body)});
  if (!answer.has_value()) return std::unexpected(std::move(answer.error()));
  if (answer->status != 200) return std::unexpected(refusal_of(answer->body));
  return std::move(answer->body);
}

}  // namespace millrace::tools
