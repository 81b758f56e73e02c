// Showing what a cluster is and was; see report.h.
#include "tools/cluster/report.h"

#include "tools/cluster/channel.h"
#include "tools/cluster/found.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace millrace::tools {

using nlohmann::json;

namespace {

constexpr std::chrono::milliseconds watch_every{1000};

// Of an answer, which a version of another day may have given: what isn't there is empty.
std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return {};
  return at->is_string() ? at->get<std::string>() : at->dump();
}

std::string uptime_text(std::uint64_t seconds) {
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

std::string joined(const json& texts, std::string_view separator) {
  std::string out;
  for (const json& each : texts) {
    if (!each.is_string()) continue;
    if (!out.empty()) out += separator;
    out += each.get<std::string>();
  }
  return out;
}

std::string why_of(const json& container) {
  const std::string notice = text(container, "notice");
  return text(container, "why") + (notice.empty() ? "" : "; " + notice);
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

std::string text_of(const json& status) {
  std::vector<std::vector<std::string>> rows = {{"CONTAINER", "STATE", "HOST", "VERSION", "UP",
                                                 "REQUESTS", "ERRORS", "SCORE", "ADDRESSES",
                                                 "WHY"}};
  std::string failures;
  for (const json& each : status.value("containers", json::array())) {
    const bool known = !text(each, "version").empty();
    const bool alive = known && text(each, "state") != "inactive";
    rows.push_back({text(each, "name"), text(each, "state"), known ? text(each, "host") : "-",
                    known ? text(each, "version") : "-",
                    alive ? uptime_text(each.value("uptime_s", std::uint64_t{0})) : "-",
                    known ? text(each, "requests") : "-", known ? text(each, "errors") : "-",
                    alive ? fmt::format("{:.2f}", each.value("score", 0.0)) : "-",
                    alive ? joined(each.value("addresses", json::array()), " ") : "-",
                    why_of(each)});
    const std::string failure = text(each, "last_failure");
    if (failure.empty()) continue;
    failures += fmt::format("{}: last failure: {}\n", text(each, "name"), failure);
  }
  std::string out = table(rows) + failures;
  const json cluster = status.value("cluster", json::object());
  for (const json& fault : cluster.value("faults", json::array())) {
    out += fmt::format("{} {}; generation {} stays in force\n", text(fault, "path"),
                       text(fault, "why"), text(cluster, "generation"));
  }
  out +=
      fmt::format("\nCluster {}, generation {}", text(cluster, "id"), text(cluster, "generation"));
  for (const json& data : cluster.value("data", json::array())) {
    out += fmt::format(", data {} = {}", text(data, "name"), text(data, "directory"));
  }
  return out + "\n" + text(cluster, "verdict") + "\n";
}

std::string list_of(const json& status) {
  std::vector<std::vector<std::string>> rows = {{"CONTAINER", "STATE", "HOST", "WHY"}};
  for (const json& each : status.value("containers", json::array())) {
    const std::string host = text(each, "host");
    rows.push_back(
        {text(each, "name"), text(each, "state"), host.empty() ? "-" : host, why_of(each)});
  }
  return table(rows);
}

std::string event_text(const json& event) {
  return fmt::format("{}  {:<20}  {}: {} (told by {})\n", text(event, "time"), text(event, "event"),
                     text(event, "subject"), text(event, "text"), text(event, "by"));
}

}  // namespace

int report_status(const ClusterCommand& command, const char* const* environment) {
  auto channel = Channel::open(command, environment);
  if (!channel.has_value()) return refused(channel.error());
  const bool clear = command.watch && ::isatty(STDOUT_FILENO) != 0;
  for (;;) {
    const auto status = channel->ask("GET", "/status");
    if (!status.has_value() && !command.watch) return refused(status.error());
    const std::string shown = !status.has_value() ? status.error().line() + "\n"
                              : command.json      ? status->dump(2) + "\n"
                              : command.verb == ClusterCommand::Verb::containers_list
                                  ? list_of(*status)
                                  : text_of(*status);
    // Home, the text, and what was below it gone: no flicker.
    std::fputs(clear ? ("\x1b[H\x1b[2J" + shown).c_str() : shown.c_str(), stdout);
    std::fflush(stdout);
    if (!command.watch) return 0;
    std::this_thread::sleep_for(watch_every);
  }
}

int report_events(const ClusterCommand& command, const char* const* environment) {
  auto channel = Channel::open(command, environment);
  if (!channel.has_value()) return refused(channel.error());
  std::vector<std::string> shown;  // sorted
  for (;;) {
    const auto events = channel->ask("GET", "/events");
    if (!events.has_value() && !command.follow) return refused(events.error());
    for (const json& event :
         events.has_value() ? events->value("events", json::array()) : json::array()) {
      const std::string line = event.dump();
      const auto place = std::ranges::lower_bound(shown, line);
      if (place != shown.end() && *place == line) continue;
      shown.insert(place, line);
      std::fputs(command.json ? (line + "\n").c_str() : event_text(event).c_str(), stdout);
    }
    std::fflush(stdout);
    if (!command.follow) return 0;
    std::this_thread::sleep_for(watch_every);
  }
}

}  // namespace millrace::tools
