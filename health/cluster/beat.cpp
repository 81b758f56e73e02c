// Beats as JSON, and what follows from their advance; see beat.h.
#include "health/cluster/beat.h"

#include "engine/check.h"
#include "health/cluster/digest.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace millrace::health::cluster {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 4> phase_names{"joining", "active", "draining", "left"};

}  // namespace

std::string_view state_name(State state) {
  switch (state) {
    case State::joining: return "joining";
    case State::active: return "active";
    case State::suspect: return "suspect";
    case State::inactive: return "inactive";
    case State::draining: return "draining";
  }
  CHECK(false);
  return {};
}

std::string beat_text(const Beat& beat) {
  json whole = {{"name", beat.name},
                {"epoch", beat.epoch},
                {"counter", beat.counter},
                {"run", beat.run},
                {"incarnation", beat.incarnation},
                {"phase", std::string(phase_names[static_cast<std::size_t>(beat.phase)])},
                {"reason", beat.reason},
                {"host", beat.host},
                {"endpoints", beat.endpoints},
                {"health_endpoints", beat.health_endpoints},
                {"version", beat.version},
                {"uptime_s", beat.uptime_s},
                {"requests", beat.requests},
                {"errors", beat.errors},
                {"score", beat.score},
                {"generation", beat.generation},
                {"feature_level", beat.feature_level},
                {"notice", beat.notice},
                {"heard_only", beat.heard_only},
                {"last_failure", beat.last_failure}};
  whole["digest"] = digest_of(whole);
  // Names and addresses are ASCII; what else a path in last_failure holds must not throw.
  return whole.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::expected<Beat, std::string> parse_beat(std::string_view text) {
  const json whole = json::parse(text, nullptr, false);
  if (!whole.is_object() || !digest_fits(whole)) {
    return std::unexpected("is torn");
  }
  try {
    Beat beat;
    whole.at("name").get_to(beat.name);
    whole.at("epoch").get_to(beat.epoch);
    whole.at("counter").get_to(beat.counter);
    beat.run = whole.value("run", beat.run);
    beat.incarnation = whole.value("incarnation", beat.incarnation);
    const auto phase = std::ranges::find(phase_names, whole.at("phase").get<std::string>());
    if (phase == phase_names.end()) return std::unexpected("has an unknown phase");
    beat.phase = static_cast<Phase>(phase - phase_names.begin());
    whole.at("reason").get_to(beat.reason);
    whole.at("host").get_to(beat.host);
    whole.at("endpoints").get_to(beat.endpoints);
    whole.at("health_endpoints").get_to(beat.health_endpoints);
    whole.at("version").get_to(beat.version);
    whole.at("uptime_s").get_to(beat.uptime_s);
    whole.at("requests").get_to(beat.requests);
    whole.at("errors").get_to(beat.errors);
    whole.at("score").get_to(beat.score);
    whole.at("generation").get_to(beat.generation);
    whole.at("feature_level").get_to(beat.feature_level);
    whole.at("notice").get_to(beat.notice);
    whole.at("heard_only").get_to(beat.heard_only);
    whole.at("last_failure").get_to(beat.last_failure);
    return beat;
  } catch (const json::exception&) {
    return std::unexpected("lacks a member or has one of another kind");
  }
}

void Liveness::observe(const Beat* beat, std::uint64_t now_ns) {
  if (heard_ns_ == 0) heard_ns_ = now_ns;
  if (beat == nullptr) return;
  const bool same = seen_ && beat->epoch == epoch_;
  phase_ = beat->phase;
  if (same && beat->counter <= counter_) return;
  // The first beat that is seen may be years old; so may that of another process.
  if (same) {
    heard_ns_ = now_ns;
    advanced_ = true;
  } else {
    heard_ns_ = now_ns;
    advanced_ = false;
    epoch_ = beat->epoch;
  }
  counter_ = beat->counter;
  seen_ = true;
}

void Liveness::pardon(std::uint64_t now_ns) {
  heard_ns_ = std::max(heard_ns_, now_ns);
}

State Liveness::state(std::uint64_t now_ns) const {
  constexpr std::uint64_t ms = 1'000'000;
  if (!seen_ || phase_ == Phase::left) return State::inactive;
  const std::uint64_t silent_ns = now_ns > heard_ns_ ? now_ns - heard_ns_ : 0;
  if (silent_ns >= inactive_after_ms * ms) return State::inactive;
  if (!advanced_ || silent_ns >= suspect_after_ms * ms) return State::suspect;
  switch (phase_) {
    case Phase::joining: return State::joining;
    case Phase::draining: return State::draining;
    case Phase::active: return State::active;
    case Phase::left: break;
  }
  return State::inactive;
}

}  // namespace millrace::health::cluster
