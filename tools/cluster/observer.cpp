// See observer.h.
#include "tools/cluster/observer.h"

#include "engine/clock.h"
#include "health/readiness.h"
#include "tools/cluster/found.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

namespace millrace::tools {

namespace cluster = health::cluster;
using cluster::Beat;
using cluster::State;
using nlohmann::json;

namespace {

constexpr std::chrono::milliseconds look_every{100};
constexpr std::uint64_t ms = 1'000'000;

const char* state_of(const Picture& picture) {
  if (picture.active() == 0) return "inactive";
  return picture.active() == 1 || picture.active() < picture.containers.size() ? "degraded"
                                                                               : "active";
}

std::string verdict_of(const Picture& picture) {
  const std::size_t active = picture.active();
  if (active == 0) return "Inactive: no container takes requests";
  if (picture.containers.size() == 1) {
    return "Degraded: one container only, there is no redundancy";
  }
  if (active == 1) return "Degraded: one container left, there is no redundancy";
  if (active < picture.containers.size()) {
    return fmt::format("Degraded: {} of {} containers take requests", active,
                       picture.containers.size());
  }
  return fmt::format("Active: {} containers", active);
}

std::string reason_of(const Seen& seen) {
  if (!seen.beat) return "has never joined";
  if (seen.heard_only) return "has lost the configuration filesystem; serves on";
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

// What those whose beats are seen tell of those whose beats are not.
void believe_witnesses(Picture& picture) {
  std::set<std::string, std::less<>> heard;
  for (const Seen& each : picture.containers) {
    if (each.state != State::active && each.state != State::draining) continue;
    heard.insert(each.beat->heard_only.begin(), each.beat->heard_only.end());
  }
  for (Seen& each : picture.containers) {
    const bool silent = each.state == State::inactive || each.state == State::suspect;
    const bool ended = !each.beat || each.beat->phase == cluster::Phase::left;
    if (!silent || ended || !heard.contains(each.name)) continue;
    each.state = each.drained ? State::draining : State::active;
    each.heard_only = true;
  }
}

}  // namespace

std::size_t Picture::active() const {
  return static_cast<std::size_t>(std::ranges::count_if(containers, [](const Seen& each) {
    // Of one that is only heard the last word is gone by.
    return each.state == State::active && each.beat->reason == reason_text(health::Reason::ready);
  }));
}

json status_document(const Picture& picture) {
  const cluster::Configuration& configuration = picture.reading.configuration;
  json out = {{"cluster",
               {{"id", configuration.id},
                {"state", state_of(picture)},
                {"verdict", verdict_of(picture)},
                {"generation", picture.reading.generation},
                {"feature_level", configuration.feature_level},
                {"active", picture.active()},
                {"port", configuration.port},
                {"health_port", configuration.health_port},
                {"domains", configuration.domains},
                {"region", configuration.region},
                {"durability", configuration.durability},
                {"buckets_max", configuration.buckets_max},
                {"anonymous_uid", configuration.anonymous_uid},
                {"anonymous_gid", configuration.anonymous_gid},
                {"named_only", configuration.named_only},
                {"data", json::array()},
                {"faults", json::array()}}},
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
                                 {"notice", beat.notice},
                                 {"drained", each.drained},
                                 {"host", beat.host},
                                 {"addresses", beat.endpoints},
                                 {"health_addresses", beat.health_endpoints},
                                 {"version", beat.version},
                                 {"feature_level", beat.feature_level},
                                 {"uptime_s", beat.uptime_s},
                                 {"requests", beat.requests},
                                 {"errors", beat.errors},
                                 {"score", beat.score},
                                 {"generation", beat.generation},
                                 {"last_failure", beat.last_failure}});
  }
  return out;
}

Allowed<Picture> Observer::look() {
  // Whoever has not looked for a while knows nothing of who lives.
  const std::uint64_t began_ns = engine::monotonic_ns();
  if (began_ns - looked_ns_ > cluster::suspect_after_ms * ms) liveness_.clear();
  const std::uint64_t end_ns =
      began_ns + (cluster::inactive_after_ms + 2 * look_every.count()) * ms;
  for (;;) {
    auto picture = glance();
    looked_ns_ = engine::monotonic_ns();
    if (!picture.has_value() || looked_ns_ >= end_ns) return picture;
    const bool settled = std::ranges::all_of(picture->containers, [&](const Seen& each) {
      return each.state != State::suspect || liveness_[each.name].advanced();
    });
    if (settled) return picture;
    std::this_thread::sleep_for(look_every);
  }
}

Allowed<Picture> Observer::glance() {
  auto reading = directory_.read();
  if (!reading) {
    return refuse(directory_.path(), engine::describe(reading.error()), look_at_mount);
  }
  Picture picture{.reading = std::move(*reading), .containers = {}};
  if (!picture.reading.exists()) {
    if (!picture.reading.faults.empty()) {
      const cluster::Fault& fault = picture.reading.faults.front();
      return refuse(fault.path, fault.why, "use the version that wrote it, or restore it");
    }
    return refuse_absent(directory_.path());
  }
  const std::uint64_t now = engine::monotonic_ns();
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
  believe_witnesses(picture);
  return picture;
}

}  // namespace millrace::tools
