// The cluster's settings as JSON, and back; see configuration.h.
#include "health/cluster/configuration.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace millrace::health::cluster {

using nlohmann::json;

namespace {

// Takes members out of an object; the first that is missing or wrong is remembered.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {}

  void text(const char* name, std::string& into) {
    if (const json* member = find(name); member != nullptr && member->is_string()) {
      into = member->get<std::string>();
    } else {
      note(name, "a text");
    }
  }
  void flag(const char* name, bool& into) {
    if (const json* member = find(name); member != nullptr && member->is_boolean()) {
      into = member->get<bool>();
    } else {
      note(name, "true or false");
    }
  }
  template <class Number>
  void number(const char* name, Number& into) {
    const json* member = find(name);
    if (member != nullptr && member->is_number_unsigned() &&
        member->get<std::uint64_t>() <= std::numeric_limits<Number>::max()) {
      into = member->get<Number>();
    } else {
      note(name, "a whole number in range");
    }
  }
  // Calls `take` with each element of an array.
  template <class Take>
  void each(const char* name, Take take) {
    const json* member = find(name);
    if (member == nullptr || !member->is_array()) return note(name, "a list");
    for (const json& element : *member) take(element);
  }
  void note(const char* name, std::string_view wanted) {
    if (error_.empty()) error_ = fmt::format("\"{}\" is not {}", name, wanted);
  }
  const std::string& error() const { return error_; }

 private:
  const json* find(const char* name) const {
    const auto at = object_.find(name);
    return at == object_.end() ? nullptr : &*at;
  }

  const json& object_;
  std::string error_;
};

json parse_object(std::string_view body) {
  json object = json::parse(body, nullptr, false);
  return object.is_object() ? object : json::object();
}

}  // namespace

const Container* Configuration::find(std::string_view name) const {
  const auto at = std::ranges::find(containers, name, &Container::name);
  return at == containers.end() ? nullptr : &*at;
}

Container* Configuration::find(std::string_view name) {
  const auto at = std::ranges::find(containers, name, &Container::name);
  return at == containers.end() ? nullptr : &*at;
}

bool Configuration::add(std::string_view name) {
  const auto at = std::ranges::lower_bound(containers, name, {}, &Container::name);
  if (at != containers.end() && at->name == name) return false;
  containers.insert(at, {.name = std::string(name)});
  return true;
}

std::string to_body(const Configuration& configuration) {
  json body = {{"id", configuration.id},
               {"destroyed", configuration.destroyed},
               {"port", configuration.port},
               {"health_port", configuration.health_port},
               {"domains", configuration.domains},
               {"region", configuration.region},
               {"durability", configuration.durability},
               {"buckets_max", configuration.buckets_max},
               {"anonymous_uid", configuration.anonymous_uid},
               {"anonymous_gid", configuration.anonymous_gid},
               {"feature_level", configuration.feature_level},
               {"named_only", configuration.named_only},
               {"data", json::array()},
               {"containers", json::array()}};
  for (const DataFilesystem& each : configuration.data) {
    body["data"].push_back({{"name", each.name}, {"directory", each.directory}, {"id", each.id}});
  }
  for (const Container& each : configuration.containers) {
    body["containers"].push_back({{"name", each.name}, {"drained", each.drained}});
  }
  return body.dump();
}

std::expected<Configuration, std::string> configuration_of(std::string_view body) {
  const json object = parse_object(body);
  Members members(object);
  Configuration configuration;
  members.number("feature_level", configuration.feature_level);
  // Before anything else: what is new at that level may be anything.
  if (members.error().empty() && configuration.feature_level > feature_level_known) {
    return std::unexpected(
        fmt::format("is of feature level {}, this version of millrace knows {}; start a newer one",
                    configuration.feature_level, feature_level_known));
  }
  members.text("id", configuration.id);
  members.flag("destroyed", configuration.destroyed);
  members.number("port", configuration.port);
  members.number("health_port", configuration.health_port);
  members.text("region", configuration.region);
  members.text("durability", configuration.durability);
  members.number("buckets_max", configuration.buckets_max);
  members.number("anonymous_uid", configuration.anonymous_uid);
  members.number("anonymous_gid", configuration.anonymous_gid);
  members.flag("named_only", configuration.named_only);
  members.each("domains", [&](const json& element) {
    if (!element.is_string()) return members.note("domains", "a list of texts");
    configuration.domains.push_back(element.get<std::string>());
  });
  members.each("data", [&](const json& element) {
    if (!element.is_object()) return members.note("data", "a list of filesystems");
    Members inner(element);
    DataFilesystem& data = configuration.data.emplace_back();
    inner.text("name", data.name);
    inner.text("directory", data.directory);
    inner.text("id", data.id);
    if (!inner.error().empty()) members.note("data", "a list of names, directories and ids");
  });
  members.each("containers", [&](const json& element) {
    if (!element.is_object()) return members.note("containers", "a list of containers");
    Members inner(element);
    Container container;
    inner.text("name", container.name);
    inner.flag("drained", container.drained);
    if (!inner.error().empty() || !container_name_valid(container.name) ||
        !configuration.add(container.name)) {
      return members.note("containers", "a list of different containers");
    }
    configuration.find(container.name)->drained = container.drained;
  });
  if (!members.error().empty()) return std::unexpected(members.error());
  if (configuration.data.empty()) return std::unexpected("\"data\" is empty");
  return configuration;
}

std::string to_body(const Secrets& secrets) {
  return json{{"access_key", secrets.access_key},
              {"secret_key", secrets.secret_key},
              {"peer_key", secrets.peer_key}}
      .dump();
}

std::expected<Secrets, std::string> secrets_of(std::string_view body) {
  const json object = parse_object(body);
  Members members(object);
  Secrets secrets;
  members.text("access_key", secrets.access_key);
  members.text("secret_key", secrets.secret_key);
  members.text("peer_key", secrets.peer_key);
  if (!members.error().empty()) return std::unexpected(members.error());
  return secrets;
}

bool container_name_valid(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  const auto inner = [](char c) { return c == '-' || c == '.'; };
  return !name.empty() && name.size() <= container_name_bytes_max && !inner(name.front()) &&
         !inner(name.back()) && std::ranges::all_of(name, allowed);
}

}  // namespace millrace::health::cluster
