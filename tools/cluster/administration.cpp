// See administration.h.
#include "tools/cluster/administration.h"

#include "tools/cluster/changes.h"
#include "tools/cluster/channel.h"
#include "tools/cluster/destruction.h"
#include "tools/cluster/found.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <set>
#include <thread>

namespace millrace::tools {

using nlohmann::json;
using Verb = ClusterCommand::Verb;
using Clock = std::chrono::steady_clock;

namespace {

// Longer than the longest drain_deadline that is usual.
constexpr std::chrono::seconds leave_deadline{40};
constexpr std::chrono::milliseconds confirmation_look{300};

template <class Value>
void put(json& body, const char* name, const std::optional<Value>& value) {
  if (value) body[name] = *value;
}

json settings_body(const ClusterCommand& command) {
  json body = json::object();
  put(body, "port", command.port);
  put(body, "health_port", command.health_port);
  if (!command.domains.empty() || command.no_domain) body["domains"] = command.domains;
  put(body, "region", command.region);
  put(body, "durability", command.durability);
  put(body, "buckets_max", command.buckets_max);
  put(body, "anonymous_uid", command.anonymous_uid);
  put(body, "anonymous_gid", command.anonymous_gid);
  if (!command.containers.empty() || command.any_container) {
    body["containers"] = command.containers;
  }
  if (command.finalize) body["finalize"] = true;
  return body;
}

// Who has confirmed a generation, told as it happens. Those that are dead take it when they start.
class Confirmations {
 public:
  // `before` is the status before the change: who is alive there may be away for a moment.
  Confirmations(std::uint64_t generation, const json& before) : generation_(generation) {
    for (const json& each : before.at("containers")) {
      if (each.at("state") != "inactive") waiting_[each.at("name")] = {};
    }
  }

  void look(const json& status) {
    std::set<std::string> there;
    for (const json& each : status.at("containers")) {
      const std::string name = each.at("name");
      there.insert(name);
      const std::string state = each.at("state");
      const bool settled = state == "active" || (state == "draining" && each.at("drained"));
      const bool confirmed = settled && each.at("generation").get<std::uint64_t>() >= generation_;
      const bool known = waiting_.contains(name);
      if (!known && !told_.contains(name) && state != "inactive") waiting_[name] = {};
      if (const auto at = waiting_.find(name); at != waiting_.end()) {
        at->second = state == "inactive" ? each.at("why") : each.at("notice");
        if (!confirmed) continue;
        waiting_.erase(at);
        told_[name] = true;
        fmt::print("{} has confirmed\n", name);
      } else if (!told_.contains(name)) {
        told_[name] = false;
        fmt::print("{} is not alive: takes it when it starts\n", name);
      }
    }
    // Those that the change has taken out of the cluster have nothing to confirm.
    std::erase_if(waiting_, [&](const auto& each) { return !there.contains(each.first); });
    std::fflush(stdout);
  }
  bool complete() const { return waiting_.empty(); }
  void tell_missing() const {
    for (const auto& [name, why] : waiting_) {
      fmt::print("{} has not confirmed{}{}\n", name, why.empty() ? "" : ": ", why);
    }
  }

 private:
  const std::uint64_t generation_;
  std::map<std::string, std::string> waiting_;  // alive at some time since; with what it says
  std::map<std::string, bool> told_;
};

int await_confirmations(Channel& channel, Confirmations confirmations, std::uint64_t generation,
                        unsigned patience_s) {
  const auto deadline = Clock::now() + std::chrono::seconds(patience_s);
  bool looked = false;
  for (;;) {
    // The container that is asked may be the one that starts again.
    if (const auto status = channel.ask("GET", "/status"); status.has_value()) {
      confirmations.look(*status);
      looked = true;
    }
    if (looked && confirmations.complete()) return 0;
    if (Clock::now() >= deadline) break;
    std::this_thread::sleep_for(confirmation_look);
  }
  confirmations.tell_missing();
  std::fprintf(stderr, "millrace: generation %llu: is published, but not confirmed by all\n",
               static_cast<unsigned long long>(generation));
  return exit_unconfirmed;
}

std::string answer_to(const json& unconfirmed) {
  fmt::print(stderr, "This ends the cluster {} on {} container(s). Objects stay. Type yes: ",
             unconfirmed.at("id").get<std::string>(), unconfirmed.at("containers").get<int>());
  std::string answer;
  std::getline(std::cin, answer);
  return answer;
}

Allowed<DeskAnswer> ask_destruction(Channel& channel, bool force) {
  DeskRequest request{.method = "DELETE", .path = "", .body = {{"force", force}}};
  auto answer = channel.ask_whole(request);
  if (!answer.has_value() || !answer->body.contains("unconfirmed")) return answer;
  const json& unconfirmed = answer->body["unconfirmed"];
  if (answer_to(unconfirmed) != "yes") return answer;
  request.body["confirm"] = unconfirmed.at("id");
  return channel.ask_whole(request);
}

// Where the configuration filesystem is at hand, the last words are said here.
Allowed<> finish_here(const std::string& config_fs) {
  auto directory = open_cluster(config_fs);
  if (!directory.has_value()) return std::unexpected(std::move(directory.error()));
  const auto reading = read_cluster(*directory);
  if (!reading.has_value()) return std::unexpected(reading.error());
  return finish_destruction(*directory, reading->configuration, leave_deadline);
}

DeskRequest container_request(Verb verb, const std::string& name) {
  switch (verb) {
    case Verb::containers_add:
      return {.method = "POST", .path = "/containers", .body = {{"name", name}}};
    case Verb::containers_remove: return {.method = "DELETE", .path = "/containers/" + name};
    default:
      return {.method = "PATCH",
              .path = "/containers/" + name,
              .body = {{"drained", verb == Verb::containers_drain}}};
  }
}

ContainerChange change_of(Verb verb) {
  switch (verb) {
    case Verb::containers_add: return ContainerChange::add;
    case Verb::containers_remove: return ContainerChange::remove;
    case Verb::containers_drain: return ContainerChange::drain;
    default: return ContainerChange::undrain;
  }
}

}  // namespace

int update_cluster(const ClusterCommand& command, const char* const* environment) {
  const json body = settings_body(command);
  if (body.empty()) {
    const Refusal nothing{"update", "was told nothing to change", "see `millrace cluster --help`"};
    std::fprintf(stderr, "%s\n", nothing.line().c_str());
    return 2;
  }
  auto channel = Channel::open(command, environment);
  if (!channel.has_value()) return refused(channel.error());
  const auto before = channel->ask("GET", "/status");
  if (!before.has_value()) return refused(before.error());
  const auto changed = channel->ask("PATCH", "/configuration", body);
  if (!changed.has_value()) return refused(changed.error());
  const auto generation = changed->at("generation").get<std::uint64_t>();
  if (changed->at("changed")) {
    fmt::print("Generation {} is published.\n", generation);
  } else {
    fmt::print("Generation {} has it so already.\n", generation);
  }
  if (command.finalize) {
    fmt::print("The feature level is {}.\n", changed->at("feature_level").get<unsigned>());
  }
  return await_confirmations(*channel, Confirmations(generation, *before), generation,
                             command.wait_s);
}

int change_containers(const ClusterCommand& command, const char* const* environment) {
  auto channel = Channel::open(command, environment);
  if (!channel.has_value()) return refused(channel.error());
  for (const std::string& name : command.containers) {
    DeskRequest request = container_request(command.verb, name);
    const auto changed =
        channel->ask(std::move(request.method), std::move(request.path), std::move(request.body));
    if (!changed.has_value()) return refused(changed.error());
    fmt::print("{} {}{}\n", name, changed->at("changed") ? "" : "is already ",
               participle(change_of(command.verb)));
    if (changed->at("containers") == 1) {
      fmt::print("The cluster has one container: there is no redundancy.\n");
    }
  }
  return 0;
}

int destroy_cluster(const ClusterCommand& command, const char* const* environment) {
  auto channel = Channel::open(command, environment);
  if (!channel.has_value()) return refused(channel.error());
  const auto answer = ask_destruction(*channel, command.force);
  if (!answer.has_value()) return refused(answer.error());
  if (answer->status != 200) return refused(refusal_of(answer->body));
  if (channel->remote()) {
    fmt::print("Destroyed. Its containers are leaving; the last one removes the configuration.\n");
  } else if (const auto finished = finish_here(command.config_fs); !finished.has_value()) {
    return refused(finished.error());
  } else {
    fmt::print("Destroyed.\n");
  }
  fmt::print("The objects are where they were; serve them with `millrace serve --data`.\n");
  return 0;
}

}  // namespace millrace::tools
