// Beating, reading and telling; see member.h.
#include "health/cluster/member.h"

#include "engine/clock.h"
#include "engine/small_file.h"
#include "health/cluster/rollout.h"
#include "health/limits.h"

#include <fmt/format.h>
#include <linux/close_range.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace millrace::health::cluster {

using engine::LogLevel;
using engine::LogLine;

namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t turn_ms = 250;
static_assert(beat_every_ms % turn_ms == 0);
constexpr std::uint64_t turns_per_beat = beat_every_ms / turn_ms;
// A document that was missed by the look-up of the next generation (this host was away while
// several were made) is found by reading the directory.
constexpr std::uint64_t turns_per_listing = 4;
constexpr std::uint64_t wanted_rest_ms = 20;

}  // namespace

Member::Member(Joined joined, MemberOptions options)
    : joined_(std::move(joined)),
      options_(std::move(options)),
      started_ns_(engine::monotonic_ns()),
      log_(options_.logger->add_channel()),
      reads_at_first_(2 * joined_.configuration.containers.size()),
      peers_({.name = joined_.name,
              .run = joined_.run,
              .peer_key = joined_.secrets.peer_key,
              .sockets = std::move(options_.peer_sockets),
              .figures = options_.figures,
              .on_wanted = [this] {
                {
                  const std::lock_guard lock(mutex_);
                  wanted_ = true;
                }
                wake_.notify_one();
              }}) {
  note_in_force();
  options_.figures->heard_ns = started_ns_;
  const Container* own = joined_.configuration.find(joined_.name);
  options_.figures->drained = own != nullptr && own->drained;
  peers_.set_configuration(joined_.configuration, joined_.generation);
  thread_ = std::thread([this] { run(); });
}

Member::~Member() {
  // The network first: the configuration filesystem may hang.
  peers_.leave();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Member::drain() {
  draining_ = true;
  peers_.set_phase(Phase::draining, false);
}

std::uint64_t Member::now_ns() const {
  return engine::monotonic_ns();
}

// A thread that sleeps in the kernel for ever keeps what descriptors it shares: this one keeps only
// those of the cluster's directory and of its peers' call (see filesystem_probe.cpp).
void Member::leave_descriptors() const {
  if (!probe_leaves_descriptors || ::unshare(CLONE_FILES) != 0) return;
  const auto folders = joined_.directory.descriptors();
  std::array<int, 4> kept = {folders[0], folders[1], folders[2], peers_.wake_fd()};
  std::ranges::sort(kept);
  unsigned next = 3;
  for (const int fd : kept) {
    const auto at = static_cast<unsigned>(fd);
    if (at > next) std::ignore = ::close_range(next, at - 1, 0);
    next = at + 1;
  }
  std::ignore = ::close_range(next, ~0U, 0);
}

void Member::run() {
  leave_descriptors();
  std::uint64_t next_ns = now_ns();
  for (;;) {
    if (now_ns() >= next_ns) {
      turn();
      next_ns = std::max(next_ns + turn_ms * ms, now_ns() + turn_ms * ms / 2);
    } else {
      const std::uint64_t heard = peers_.generation_heard();
      if (heard > joined_.generation && heard != looked_for_) poll_documents();
      read_wanted();
      watch_others();
      // Not more often, however much is wanted.
      std::this_thread::sleep_for(std::chrono::milliseconds(wanted_rest_ms));
    }
    std::unique_lock lock(mutex_);
    const std::uint64_t now = now_ns();
    wake_.wait_for(lock, std::chrono::nanoseconds(next_ns > now ? next_ns - now : 0),
                   [this] { return stopping_ || wanted_; });
    wanted_ = false;
    if (stopping_) break;
  }
  write_beat(Phase::left);
}

void Member::turn() {
  if (turns_ % turns_per_beat == 0) {
    const View::Snapshot view = options_.view->read(now_ns());
    const bool draining = draining_ || options_.figures->drained;
    const Phase phase = draining                          ? Phase::draining
                        : view.reason == Reason::starting ? Phase::joining
                                                          : Phase::active;
    peers_.set_phase(phase, view.ready());
    write_beat(phase);
  }
  poll_documents();
  read_in_turn();
  read_wanted();
  watch_others();
  if (beats_work_ && documents_work_ && in_force_ < joined_.generation) roll_out();
  ++turns_;
}

void Member::note_failure(bool& works, std::string_view what, std::string_view why) {
  last_failure_ = fmt::format("{}: {}", what, why);
  if (!std::exchange(works, false)) return;
  LogLine(log_, LogLevel::error, "configuration filesystem is lost; serving on with what is known")
      .field("what", what)
      .field("why", why);
}

void Member::write_beat(Phase phase) {
  const View::Snapshot view = options_.view->read(now_ns());
  const Peers::Self self = peers_.self();
  Beat beat{.name = joined_.name,
            .epoch = joined_.epoch,
            .counter = ++counter_,
            .run = self.run,
            .incarnation = self.incarnation,
            .phase = phase,
            .reason = std::string(reason_text(view.reason)),
            .host = options_.host,
            .endpoints = options_.endpoints,
            .health_endpoints = options_.health_endpoints,
            .version = std::string(options_.version),
            .uptime_s = (now_ns() - started_ns_) / 1'000'000'000,
            .score = score(view.load),
            .generation = in_force_,
            .feature_level = feature_level_known,
            .notice = notice_,
            .last_failure = last_failure_};
  for (const Peers::Seen& each : peers_.seen()) {
    if (beat.heard_only.size() == heard_only_max) break;
    const bool heard = each.sight.state != State::inactive && each.sight.filesystem_lost;
    if (heard) beat.heard_only.push_back(each.name);
  }
  for (const engine::StatusPage& page : options_.frontends) {
    for (const engine::OperationCounters& each : page.operations) {
      beat.requests += each.requests.get();
      beat.errors += each.server_errors.get();
    }
  }
  if (const auto written = joined_.directory.write_beat(beat); !written) {
    return note_failure(beats_work_, "beat", engine::describe(written.error()));
  }
  if (!std::exchange(beats_work_, true)) {
    LogLine(log_, LogLevel::info, "configuration filesystem is back");
  }
  options_.figures->heard_ns = now_ns();
  peers_.note_beat_written(counter_);
}

void Member::poll_documents() {
  const auto superseded = joined_.directory.is_superseded(joined_.generation);
  if (!superseded) {
    return note_failure(documents_work_, "configuration", engine::describe(superseded.error()));
  }
  // Once for each that is heard of: it may be one that this version can't use.
  const std::uint64_t heard = peers_.generation_heard();
  const bool heard_of = heard > joined_.generation && heard != looked_for_;
  if (heard_of) looked_for_ = heard;
  if (!*superseded && !heard_of && turns_ % turns_per_listing != 0) return;
  auto reading = joined_.directory.read();
  if (!reading) {
    return note_failure(documents_work_, "configuration", engine::describe(reading.error()));
  }
  documents_work_ = true;
  take(std::move(*reading));
}

void Member::take(ClusterReading reading) {
  options_.figures->faults = reading.faults.size();
  if (!reading.faults.empty()) {
    const Fault& fault = reading.faults.front();
    last_failure_ = fault.path + " " + fault.why;
    if (faults_told_ != reading.faults.size()) {
      LogLine(log_, LogLevel::error,
              "a document of the cluster can't be used; the last good one holds")
          .field("path", fault.path)
          .field("why", fault.why);
    }
  }
  faults_told_ = reading.faults.size();
  // Nothing at all is a filesystem that is not mounted, not a cluster that is no more.
  if (reading.generation <= joined_.generation) return;
  joined_.generation = reading.generation;
  // Another cluster has been made here since: whatever it has under this name is not this.
  if (reading.configuration.destroyed || reading.configuration.id != joined_.configuration.id) {
    return leave(Departure::destroyed, "the cluster was destroyed");
  }
  const Container* own = reading.configuration.find(joined_.name);
  if (own == nullptr) {
    return leave(Departure::removed, "this container was removed from the cluster");
  }
  if (options_.figures->drained.exchange(own->drained) != own->drained) {
    LogLine(log_, LogLevel::info, own->drained ? "drained" : "undrained")
        .field("generation", reading.generation);
  }
  joined_.configuration = std::move(reading.configuration);
  peers_.set_configuration(joined_.configuration, joined_.generation);
  note_in_force();
}

// Changed and changed back is no change.
void Member::note_in_force() {
  if (joined_.configuration.settings() == joined_.settings) {
    in_force_ = joined_.generation;
    notice_.clear();
    alive_since_.clear();
  }
  options_.figures->generation = in_force_;
}

void Member::roll_out() {
  const auto all = peers_.seen();
  std::vector<Fellow> others;
  for (const Peers::Seen& each : all) {
    const Container* const container = joined_.configuration.find(each.name);
    if (container == nullptr || each.name == joined_.name) continue;
    if (each.sight.state != State::inactive) alive_since_.insert(each.name);
    const auto beat = joined_.directory.read_beat(each.name);
    others.push_back({.name = each.name,
                      .state = each.sight.state,
                      .drained = container->drained,
                      .ready = each.sight.ready,
                      .settled = each.sight.settled,
                      .seen = alive_since_.contains(each.name),
                      .in_force = beat ? beat->generation : 0});
  }
  const std::string_view first = restart_waits_for(joined_.name, joined_.generation, others);
  if (first.empty()) {
    notice_ = fmt::format("starts again with generation {}", joined_.generation);
    return leave(Departure::restart, notice_);
  }
  notice_ =
      fmt::format("waits for {} to start again with generation {}", first, joined_.generation);
}

void Member::leave(Departure departure, std::string_view why) {
  // What is for good takes the place of a restart that is under way.
  if (departure_ != Departure::stays &&
      (departure_ != Departure::restart || departure == Departure::restart)) {
    return;
  }
  departure_ = departure;
  LogLine(log_, LogLevel::warning, "stopping").field("why", why);
  options_.on_leave(departure);
}

// One that can't be read says nothing of its container.
void Member::read_beat(const std::string& name) {
  const auto beat = joined_.directory.look_for_beat(name);
  if (!beat) return;
  options_.figures->beats_read += 1;
  peers_.observe_beat(name, *beat ? &**beat : nullptr);
}

void Member::read_wanted() {
  if (!beats_work_ || !documents_work_) return;
  std::vector<std::string> names = peers_.wanted_beats();
  if (names.size() > limits::beats_wanted_per_turn) names.resize(limits::beats_wanted_per_turn);
  for (const std::string& name : names) read_beat(name);
}

// Addresses, and what has become of those that the network does not reach: a few each time, so that
// a cluster of a thousand costs no more than one of four.
void Member::read_in_turn() {
  if (!beats_work_ || !documents_work_) return;
  const auto& containers = joined_.configuration.containers;
  const std::size_t count =
      std::min(reads_at_first_ > 0 ? limits::beats_in_turn_at_first : limits::beats_in_turn,
               containers.size());
  reads_at_first_ -= std::min(reads_at_first_, count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = containers[read_at_++ % containers.size()].name;
    if (name != joined_.name) read_beat(name);
  }
}

void Member::watch_others() {
  const auto all = peers_.seen();
  std::erase_if(
      others_, [&](const auto& each) { return joined_.configuration.find(each.first) == nullptr; });
  // The first by name that can write them down writes the events.
  const bool works = beats_work_ && documents_work_;
  bool first = works;
  for (const Peers::Seen& each : all) {
    const bool writes = each.sight.state == State::active && !each.sight.filesystem_lost;
    if (writes && each.name < joined_.name) first = false;
  }
  for (const Peers::Seen& each : all) {
    if (!each.sight.settled) continue;
    Other& other = others_[each.name];
    const Other now{each.sight.state, each.sight.filesystem_lost, true};
    // The first look says how it is, not that it became so.
    if (other.known && first) tell(each.name, each.sight, other);
    other = now;
  }
}

void Member::tell(const std::string& name, const Sight& sight, const Other& before) {
  if (sight.state != before.told) {
    LogLine(log_, sight.state == State::inactive ? LogLevel::warning : LogLevel::info, "container")
        .field("name", name)
        .field("state", state_name(sight.state))
        .field("before", state_name(before.told));
    joined_.directory.append_event(
        joined_.name, fmt::format("container-{}", state_name(sight.state)), name,
        fmt::format("{}, was {}", state_name(sight.state), state_name(before.told)));
  }
  if (sight.filesystem_lost == before.filesystem_lost || sight.state == State::inactive) return;
  const std::string_view what = sight.filesystem_lost ? "lost" : "back";
  LogLine(log_, LogLevel::warning, "container")
      .field("name", name)
      .field("state", state_name(sight.state))
      .field("configuration_filesystem", what);
  joined_.directory.append_event(
      joined_.name, fmt::format("configuration-filesystem-{}", what), name,
      sight.filesystem_lost ? "its configuration filesystem is lost; it serves on"
                            : "its configuration filesystem is back");
}

}  // namespace millrace::health::cluster
