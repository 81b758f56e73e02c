// Watching the beats of a cluster's containers from outside, and showing it; see report.h.
#include "tools/cluster/report.h"

#include "health/cluster/config_directory.h"
#include "health/readiness.h"
#include "tools/cluster/found.h"

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <thread>

namespace millrace::tools {

namespace cluster = health::cluster;
using cluster::Beat;
using cluster::ClusterReading;
using cluster::ConfigDirectory;
using cluster::State;
using nlohmann::json;

namespace {

constexpr std::chrono::milliseconds look_every{100};
constexpr std::chrono::milliseconds watch_every{1000};

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

struct Seen {
  std::string name;
  bool drained = false;
  std::optional<Beat> beat;  // none: it has never been here
  State state = State::inactive;
};

// What one look at the cluster found.
struct Picture {
  ClusterReading reading;
  std::vector<Seen> containers;

  // Those that load balancers send requests to.
  std::size_t active() const {
    return static_cast<std::size_t>(std::ranges::count_if(containers, [](const Seen& each) {
      return each.state == State::active && each.beat->reason == reason_text(health::Reason::ready);
    }));
  }
  const char* state() const {
    if (active() == 0) return "inactive";
    return active() == 1 || active() < containers.size() ? "degraded" : "active";
  }
  std::string verdict() const {
    if (active() == 0) return "Inactive: no container takes requests";
    if (containers.size() == 1) return "Degraded: one container only, there is no redundancy";
    if (active() == 1) return "Degraded: one container left, there is no redundancy";
    if (active() < containers.size()) {
      return fmt::format("Degraded: {} of {} containers take requests", active(),
                         containers.size());
    }
    return fmt::format("Active: {} containers", active());
  }
};

class Observer {
 public:
  explicit Observer(ConfigDirectory directory) : directory_(std::move(directory)) {}

  // Looks until every container has been seen to beat, or has had the time to.
  Allowed<Picture> look() {
    const std::uint64_t end_ns =
        monotonic_ns() + (cluster::inactive_after_ms + 2 * look_every.count()) * 1'000'000;
    for (;;) {
      auto picture = glance();
      if (!picture.has_value() || monotonic_ns() >= end_ns) return picture;
      const bool settled = std::ranges::all_of(picture->containers, [&](const Seen& each) {
        return each.state != State::suspect || liveness_[each.name].advanced();
      });
      if (settled) return picture;
      std::this_thread::sleep_for(look_every);
    }
  }

 private:
  Allowed<Picture> glance() {
    auto reading = directory_.read();
    if (!reading) {
      return refuse(directory_.path(), engine::describe(reading.error()),
                    "look at the mount of the configuration filesystem");
    }
    Picture picture{.reading = std::move(*reading), .containers = {}};
    if (!picture.reading.exists()) {
      if (!picture.reading.faults.empty()) {
        const cluster::Fault& fault = picture.reading.faults.front();
        return refuse(fault.path, fault.why, "use the version that wrote it, or restore it");
      }
      return refuse(directory_.path(), "holds no cluster", "run `millrace cluster create`");
    }
    const std::uint64_t now = monotonic_ns();
    for (const cluster::Container& container : picture.reading.configuration.containers) {
      Seen seen{.name = container.name,
                .drained = container.drained,
                .beat = directory_.read_beat(container.name)};
      cluster::Liveness& liveness = liveness_[container.name];
      liveness.observe(seen.beat ? &*seen.beat : nullptr, now);
      seen.state = liveness.state(now);
      // One that was met half written is told by the one before.
      std::optional<Beat>& last = last_[container.name];
      if (seen.beat) last = seen.beat;
      seen.beat = last;
      picture.containers.push_back(std::move(seen));
    }
    return picture;
  }

  ConfigDirectory directory_;
  std::map<std::string, cluster::Liveness> liveness_;
  std::map<std::string, std::optional<Beat>> last_;
};

std::string reason_of(const Seen& seen) {
  if (!seen.beat) return "has never joined";
  switch (seen.state) {
    case State::inactive:
      return seen.beat->phase == cluster::Phase::left ? "stopped in order" : "its beat has stopped";
    case State::suspect: return "its beat is late";
    case State::draining: return seen.drained ? "drained by an administrator" : "stopping";
    case State::joining:
    case State::active: break;
  }
  return seen.beat->reason;
}

std::string uptime_text(std::uint64_t seconds) {
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += separator;
    out += text;
  }
  return out;
}

// Columns as wide as their widest cell; the last is free.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + '\n';
  }
  return out;
}

std::string text_of(const Picture& picture) {
  std::vector<std::vector<std::string>> rows = {{"CONTAINER", "STATE", "HOST", "VERSION", "UP",
                                                 "REQUESTS", "ERRORS", "SCORE", "ADDRESSES",
                                                 "WHY"}};
  for (const Seen& each : picture.containers) {
    const bool known = each.beat.has_value();
    const bool alive = each.state != State::inactive;
    const Beat beat = each.beat.value_or(Beat{});
    rows.push_back(
        {each.name, std::string(cluster::state_name(each.state)), known ? beat.host : "-",
         known ? beat.version : "-", alive ? uptime_text(beat.uptime_s) : "-",
         known ? std::to_string(beat.requests) : "-", known ? std::to_string(beat.errors) : "-",
         alive ? fmt::format("{:.2f}", beat.score) : "-", alive ? joined(beat.endpoints, " ") : "-",
         reason_of(each)});
  }
  std::string out = table(rows);
  for (const Seen& each : picture.containers) {
    if (!each.beat || each.beat->last_failure.empty()) continue;
    out += fmt::format("{}: last failure: {}\n", each.name, each.beat->last_failure);
  }
  for (const cluster::Fault& fault : picture.reading.faults) {
    out += fmt::format("{} {}; generation {} stays in force\n", fault.path, fault.why,
                       picture.reading.generation);
  }
  const cluster::Configuration& configuration = picture.reading.configuration;
  out += fmt::format("\nCluster {}, generation {}, data {} = {}\n{}\n", configuration.id,
                     picture.reading.generation, configuration.data.front().name,
                     configuration.data.front().directory, picture.verdict());
  return out;
}

std::string json_of(const Picture& picture) {
  const cluster::Configuration& configuration = picture.reading.configuration;
  json out = {{"cluster",
               {{"id", configuration.id},
                {"state", picture.state()},
                {"verdict", picture.verdict()},
                {"generation", picture.reading.generation},
                {"active", picture.active()},
                {"port", configuration.port},
                {"health_port", configuration.health_port},
                {"domains", configuration.domains},
                {"region", configuration.region},
                {"durability", configuration.durability}}},
              {"containers", json::array()}};
  for (const cluster::DataFilesystem& data : configuration.data) {
    out["cluster"]["data"].push_back({{"name", data.name}, {"directory", data.directory}});
  }
  for (const cluster::Fault& fault : picture.reading.faults) {
    out["cluster"]["faults"].push_back({{"path", fault.path}, {"why", fault.why}});
  }
  for (const Seen& each : picture.containers) {
    const Beat beat = each.beat.value_or(Beat{});
    out["containers"].push_back({{"id", each.name},
                                 {"name", each.name},
                                 {"state", std::string(cluster::state_name(each.state))},
                                 {"why", reason_of(each)},
                                 {"drained", each.drained},
                                 {"host", beat.host},
                                 {"addresses", beat.endpoints},
                                 {"health_addresses", beat.health_endpoints},
                                 {"version", beat.version},
                                 {"uptime_s", beat.uptime_s},
                                 {"requests", beat.requests},
                                 {"errors", beat.errors},
                                 {"score", beat.score},
                                 {"generation", beat.generation},
                                 {"last_failure", beat.last_failure}});
  }
  return out.dump(2) + "\n";
}

std::string list_of(const Picture& picture) {
  std::vector<std::vector<std::string>> rows = {{"CONTAINER", "STATE", "HOST", "WHY"}};
  for (const Seen& each : picture.containers) {
    rows.push_back({each.name, std::string(cluster::state_name(each.state)),
                    each.beat ? each.beat->host : "-", reason_of(each)});
  }
  return table(rows);
}

std::string event_text(const std::string& line) {
  const json event = json::parse(line, nullptr, false);
  return fmt::format("{}  {:<20}  {}: {} (told by {})\n", event.value("time", ""),
                     event.value("event", ""), event.value("subject", ""), event.value("text", ""),
                     event.value("by", ""));
}

}  // namespace

int report_status(const ClusterCommand& command) {
  auto directory = open_cluster(command.config_fs);
  if (!directory.has_value()) return refused(directory.error());
  Observer observer(std::move(*directory));
  const bool clear = command.watch && ::isatty(STDOUT_FILENO) != 0;
  for (;;) {
    const auto picture = observer.look();
    if (!picture.has_value()) return refused(picture.error());
    const std::string text = command.json ? json_of(*picture)
                             : command.verb == ClusterCommand::Verb::containers_list
                                 ? list_of(*picture)
                                 : text_of(*picture);
    // Home, the text, and what was below it gone: no flicker.
    std::fputs(clear ? ("\x1b[H\x1b[2J" + text).c_str() : text.c_str(), stdout);
    std::fflush(stdout);
    if (!command.watch) return 0;
    std::this_thread::sleep_for(watch_every);
  }
}

int report_events(const ClusterCommand& command) {
  auto directory = open_cluster(command.config_fs);
  if (!directory.has_value()) return refused(directory.error());
  std::vector<std::string> shown;  // sorted
  for (;;) {
    for (const std::string& line : directory->read_events()) {
      const auto place = std::ranges::lower_bound(shown, line);
      if (place != shown.end() && *place == line) continue;
      shown.insert(place, line);
      std::fputs(command.json ? (line + "\n").c_str() : event_text(line).c_str(), stdout);
    }
    std::fflush(stdout);
    if (!command.follow) return 0;
    std::this_thread::sleep_for(watch_every);
  }
}

}  // namespace millrace::tools
