// See desk.h.
#include "tools/cluster/desk.h"

#include "tools/cluster/destruction.h"
#include "tools/cluster/found.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace millrace::tools {

namespace cluster = health::cluster;
using cluster::ConfigDirectory;
using nlohmann::json;

namespace {

constexpr std::string_view containers_path = "/containers/";

DeskAnswer refused_answer(const Refusal& refusal, int status = 409) {
  return {.status = status, .body = refusal_document(refusal)};
}

DeskAnswer bad_body(const std::string& member, const char* wanted) {
  return refused_answer(
      {member, fmt::format("is not {}", wanted), "see GET /cluster/v1/openapi.json"}, 400);
}

// Takes members out of a body; the first that is wrong, or that nobody asked for, is told.
class BodyReader {
 public:
  explicit BodyReader(const json& body) : left_(body) {}

  template <class Number>
  void number(const char* name, std::optional<Number>& into) {
    take(name, "a whole number in range", [&](const json& value) {
      if (!value.is_number_unsigned() ||
          value.get<std::uint64_t>() > std::numeric_limits<Number>::max()) {
        return false;
      }
      into = value.get<Number>();
      return true;
    });
  }
  void text(const char* name, std::optional<std::string>& into) {
    take(name, "a text", [&](const json& value) {
      if (value.is_string()) into = value.get<std::string>();
      return value.is_string();
    });
  }
  void flag(const char* name, bool& into) {
    take(name, "true or false", [&](const json& value) {
      if (value.is_boolean()) into = value.get<bool>();
      return value.is_boolean();
    });
  }
  void texts(const char* name, std::optional<std::vector<std::string>>& into) {
    take(name, "a list of texts", [&](const json& value) {
      if (!value.is_array()) return false;
      if (!std::ranges::all_of(value, [](const json& each) { return each.is_string(); }))
        return false;
      into = value.get<std::vector<std::string>>();
      return true;
    });
  }
  std::optional<DeskAnswer> fault() {
    if (!fault_ && !left_.empty()) fault_ = bad_body(left_.begin().key(), "known");
    return fault_;
  }

 private:
  template <class Take>
  void take(const char* name, const char* wanted, Take accept) {
    const auto at = left_.find(name);
    if (at == left_.end()) return;
    if (!accept(*at) && !fault_) fault_ = bad_body(name, wanted);
    left_.erase(name);
  }

  json left_;
  std::optional<DeskAnswer> fault_;
};

std::string container_of(const DeskRequest& request) {
  return request.path.substr(containers_path.size());
}

}  // namespace

json refusal_document(const Refusal& refusal) {
  return {{"error", {{"what", refusal.what}, {"why", refusal.why}, {"remedy", refusal.remedy}}}};
}

Refusal refusal_of(const json& document) {
  const json error =
      document.is_object() ? document.value("error", json::object()) : json::object();
  const auto text = [&](const char* name) {
    return error.is_object() && error.contains(name) && error[name].is_string()
               ? error[name].get<std::string>()
               : std::string();
  };
  return {text("what"), text("why"), text("remedy")};
}

Desk::Route Desk::find(const DeskRequest& request, bool& known) {
  struct Row {
    std::string_view path;
    bool named;  // a container's name follows
    std::string_view method;
    Route route;
  };
  static constexpr Row rows[] = {
      {"/status", false, "GET", &Desk::status},
      {"/events", false, "GET", &Desk::events},
      {"/configuration", false, "PATCH", &Desk::configure},
      {"/containers", false, "POST", &Desk::add_container},
      {containers_path, true, "PATCH", &Desk::change_container},
      {containers_path, true, "DELETE", &Desk::remove_container},
      {"", false, "DELETE", &Desk::destroy},
  };
  for (const Row& row : rows) {
    const bool fits = row.named ? request.path.starts_with(row.path) : request.path == row.path;
    known = known || fits;
    if (fits && request.method == row.method) return row.route;
  }
  return nullptr;
}

DeskAnswer Desk::answer(const DeskRequest& request) {
  bool known = false;
  const Route route = find(request, known);
  const std::string path = std::string(rest_prefix) + request.path;
  if (!known) return refused_answer({path, "is not a path of this interface", ""}, 404);
  if (route == nullptr) return refused_answer({path, "does not take " + request.method, ""}, 405);
  if (!request.body.is_object()) return bad_body("body", "a JSON object");
  return (this->*route)(request);
}

DeskAnswer Desk::status(const DeskRequest&) {
  if (!observer_) {
    auto directory = open_cluster(config_fs_);
    if (!directory.has_value()) return refused_answer(directory.error(), 503);
    observer_.emplace(std::move(*directory));
  }
  const auto picture = observer_->look();
  if (picture.has_value()) return {.body = status_document(*picture)};
  observer_.reset();  // mounted anew, perhaps
  return refused_answer(picture.error(), 503);
}

DeskAnswer Desk::events(const DeskRequest&) {
  auto directory = open_cluster(config_fs_);
  if (!directory.has_value()) return refused_answer(directory.error(), 503);
  json list = json::array();
  for (const std::string& line : directory->read_events()) list.push_back(json::parse(line));
  return {.body = {{"events", std::move(list)}}};
}

DeskAnswer Desk::configure(const DeskRequest& request) {
  SettingsChange change;
  BodyReader reader(request.body);
  reader.number("port", change.port);
  reader.number("health_port", change.health_port);
  reader.texts("domains", change.domains);
  reader.text("region", change.region);
  reader.text("durability", change.durability);
  reader.number("buckets_max", change.buckets_max);
  reader.number("anonymous_uid", change.anonymous_uid);
  reader.number("anonymous_gid", change.anonymous_gid);
  reader.texts("containers", change.containers);
  reader.flag("finalize", change.finalize);
  if (auto fault = reader.fault()) return *fault;
  auto directory = open_cluster(config_fs_);
  if (!directory.has_value()) return refused_answer(directory.error(), 503);
  const auto changed =
      change_configuration(*directory, [&](cluster::Configuration& configuration) -> Allowed<> {
        auto edited = edit_settings(configuration, change);
        if (edited.has_value() && change.finalize)
          edited = finalize_level(configuration, *directory);
        return edited;
      });
  if (!changed.has_value()) return refused_answer(changed.error());
  if (changed->published) {
    directory->append_event(
        writer_, "cluster-updated", changed->configuration.id,
        fmt::format("generation {}: {}", changed->generation, request.body.dump()));
  }
  return {.body = {{"generation", changed->generation},
                   {"changed", changed->published},
                   {"feature_level", changed->configuration.feature_level}}};
}

DeskAnswer Desk::edit(const std::string& name, ContainerChange change) {
  auto directory = open_cluster(config_fs_);
  if (!directory.has_value()) return refused_answer(directory.error(), 503);
  bool absent = false;
  const auto changed = change_configuration(*directory, [&](cluster::Configuration& configuration) {
    absent = change != ContainerChange::add && configuration.find(name) == nullptr;
    return edit_container(configuration, change, name);
  });
  if (!changed.has_value()) return refused_answer(changed.error(), absent ? 404 : 409);
  if (changed->published) {
    directory->append_event(writer_, fmt::format("container-{}", participle(change)), name,
                            "by an administrator");
  }
  return {.body = {{"generation", changed->generation},
                   {"changed", changed->published},
                   {"containers", changed->configuration.containers.size()}}};
}

DeskAnswer Desk::add_container(const DeskRequest& request) {
  std::optional<std::string> name;
  BodyReader reader(request.body);
  reader.text("name", name);
  if (auto fault = reader.fault()) return *fault;
  if (!name) return bad_body("name", "given");
  return edit(*name, ContainerChange::add);
}

DeskAnswer Desk::change_container(const DeskRequest& request) {
  bool drained = false;
  BodyReader reader(request.body);
  reader.flag("drained", drained);
  if (auto fault = reader.fault()) return *fault;
  if (!request.body.contains("drained")) return bad_body("drained", "given");
  return edit(container_of(request), drained ? ContainerChange::drain : ContainerChange::undrain);
}

DeskAnswer Desk::remove_container(const DeskRequest& request) {
  return edit(container_of(request), ContainerChange::remove);
}

DeskAnswer Desk::destroy(const DeskRequest& request) {
  Confirmation confirmation;
  std::optional<std::string> id;
  BodyReader reader(request.body);
  reader.flag("force", confirmation.force);
  reader.text("confirm", id);
  if (auto fault = reader.fault()) return *fault;
  confirmation.id = id.value_or("");
  auto directory = open_cluster(config_fs_);
  if (!directory.has_value()) return refused_answer(directory.error(), 503);
  const auto begun = begin_destruction(*directory, confirmation);
  if (begun.has_value()) return {.body = {{"destroyed", begun->id}}};
  DeskAnswer answer = refused_answer(begun.error().refusal);
  if (begun.error().unconfirmed) {
    const cluster::Configuration& configuration = *begun.error().unconfirmed;
    answer.body["unconfirmed"] = {{"id", configuration.id},
                                  {"containers", configuration.containers.size()}};
  }
  return answer;
}

}  // namespace millrace::tools
