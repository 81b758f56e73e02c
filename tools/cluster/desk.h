// Where a cluster is administered: requests in, answers out, both as the REST interface has them
// (openapi.h). The command line asks it in its own process where it has the configuration
// filesystem, and over HTTP where not; so both do the same. Blocks; one thread.
#pragma once

#include "tools/cluster/changes.h"
#include "tools/cluster/observer.h"
#include "tools/refusal.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace millrace::tools {

inline constexpr std::string_view rest_prefix = "/cluster/v1";

struct DeskRequest {
  std::string method;
  std::string path;  // below the prefix: "/status"
  nlohmann::json body = nlohmann::json::object();
};

// 200; 400 a body that is not as it should be; 404 no such path or container; 405; 409 refused,
// nothing was changed; 503 the configuration filesystem can't be read.
struct DeskAnswer {
  int status = 200;
  nlohmann::json body = nlohmann::json::object();
};

// {"error": {"what", "why", "remedy"}}, and back.
nlohmann::json refusal_document(const Refusal& refusal);
Refusal refusal_of(const nlohmann::json& document);

class Desk {
 public:
  // `writer` signs the events of what is changed here.
  Desk(std::string config_fs, std::string writer)
      : config_fs_(std::move(config_fs)), writer_(std::move(writer)) {}

  DeskAnswer answer(const DeskRequest& request);

 private:
  using Route = DeskAnswer (Desk::*)(const DeskRequest&);
  static Route find(const DeskRequest& request, bool& known);

  DeskAnswer status(const DeskRequest& request);
  DeskAnswer events(const DeskRequest& request);
  DeskAnswer configure(const DeskRequest& request);
  DeskAnswer add_container(const DeskRequest& request);
  DeskAnswer change_container(const DeskRequest& request);
  DeskAnswer remove_container(const DeskRequest& request);
  DeskAnswer destroy(const DeskRequest& request);
  DeskAnswer edit(const std::string& name, ContainerChange change);

  const std::string config_fs_;
  const std::string writer_;
  std::optional<Observer> observer_;
};

}  // namespace millrace::tools
