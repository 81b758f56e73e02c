// Beating and watching; see member.h.
#include "health/cluster/member.h"

#include "engine/clock.h"
#include "engine/small_file.h"
#include "health/cluster/rollout.h"

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

}  // namespace

Member::Member(Joined joined, MemberOptions options)
    : joined_(std::move(joined)),
      options_(std::move(options)),
      started_ns_(engine::monotonic_ns()),
      epoch_(engine::random_text("0123456789abcdef", 16)),
      log_(options_.logger->add_channel()),
      in_force_(joined_.generation) {
  options_.figures->generation = joined_.generation;
  options_.figures->heard_ns = started_ns_;
  const Container* own = joined_.configuration.find(joined_.name);
  options_.figures->drained = own != nullptr && own->drained;
  thread_ = std::thread([this] { run(); });
}

Member::~Member() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Member::drain() {
  draining_ = true;
  wake_.notify_one();
}

std::uint64_t Member::now_ns() const {
  return engine::monotonic_ns();
}

// A thread that sleeps in the kernel for ever keeps what descriptors it shares: this one keeps only
// those of the cluster's directory (see filesystem_probe.cpp).
void Member::leave_descriptors() const {
  if (!probe_leaves_descriptors || ::unshare(CLONE_FILES) != 0) return;
  std::array<int, 3> kept = joined_.directory.descriptors();
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
  for (;;) {
    turn();
    std::unique_lock lock(mutex_);
    if (stopping_) break;
    wake_.wait_for(lock, std::chrono::milliseconds(turn_ms));
    if (stopping_) break;
  }
  write_beat(Phase::left);
}

void Member::turn() {
  const std::uint64_t now = now_ns();
  const bool was_away = last_turn_ns_ != 0 && now - last_turn_ns_ > 2 * beat_every_ms * ms;
  last_turn_ns_ = now;
  if (turns_ % turns_per_beat == 0) {
    const View::Snapshot view = options_.view->read(now);
    const bool draining = draining_ || options_.figures->drained;
    write_beat(draining                          ? Phase::draining
               : view.reason == Reason::starting ? Phase::joining
                                                 : Phase::active);
  }
  poll_documents();
  // A turn that took long (a filesystem that hung, a process that was stopped) and a filesystem
  // that fails say nothing of the others: their silence is counted from here.
  const bool works = beats_work_ && documents_work_;
  if (was_away || !works) {
    for (auto& [name, other] : others_) other.liveness.pardon(now_ns());
  }
  if (works) watch_others();
  if (works && in_force_ < joined_.generation) roll_out();
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
  Beat beat{.name = joined_.name,
            .epoch = epoch_,
            .counter = ++counter_,
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
}

void Member::poll_documents() {
  const auto superseded = joined_.directory.is_superseded(joined_.generation);
  if (!superseded) {
    return note_failure(documents_work_, "configuration", engine::describe(superseded.error()));
  }
  if (!*superseded && turns_ % turns_per_listing != 0) return;
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
  // Changed and changed back is no change.
  if (joined_.configuration.settings() == options_.settings) {
    in_force_ = joined_.generation;
    notice_.clear();
    seen_.clear();
  }
  options_.figures->generation = in_force_;
}

void Member::roll_out() {
  std::vector<Fellow> others;
  for (const auto& [name, other] : others_) {
    const Container* const container = joined_.configuration.find(name);
    if (container == nullptr) continue;
    const State state = other.liveness.state(now_ns());
    if (state != State::inactive) seen_.insert(name);
    const auto beat = joined_.directory.read_beat(name);
    others.push_back({.name = name,
                      .state = state,
                      .drained = container->drained,
                      .seen = seen_.contains(name),
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
  if (std::exchange(told_to_leave_, true)) return;
  LogLine(log_, LogLevel::warning, "stopping").field("why", why);
  options_.on_leave(departure);
}

void Member::watch_others() {
  const std::uint64_t now = now_ns();
  std::uint64_t active = 0;
  std::erase_if(
      others_, [&](const auto& each) { return joined_.configuration.find(each.first) == nullptr; });
  // The first that is alive, by name, writes the events.
  std::string_view first = joined_.name;
  for (const Container& container : joined_.configuration.containers) {
    if (container.name == joined_.name) {
      active += draining_ || container.drained ? 0 : 1;
      continue;
    }
    Other& other = others_[container.name];
    const auto beat = joined_.directory.read_beat(container.name);
    other.liveness.observe(beat ? &*beat : nullptr, now);
    const State state = other.liveness.state(now);
    if (state == State::active) ++active;
    if (state == State::active && container.name < first) first = container.name;
  }
  for (auto& [name, other] : others_) {
    const State state = other.liveness.state(now);
    if (other.known && other.told == state) continue;
    // Whoever begins is suspect until his second beat: no news.
    const bool news = !(state == State::suspect && other.told == State::inactive);
    if (first == joined_.name && other.known && news) tell(name, state, other);
    // The first look says how it is, not that it became so.
    const bool settled = state != State::suspect || other.known;
    if (settled) {
      other.known = true;
      other.told = state;
    }
  }
  options_.figures->containers = joined_.configuration.containers.size();
  options_.figures->containers_active = active;
}

void Member::tell(const std::string& name, State state, Other& other) {
  LogLine(log_, state == State::inactive ? LogLevel::warning : LogLevel::info, "container")
      .field("name", name)
      .field("state", state_name(state))
      .field("before", state_name(other.told));
  joined_.directory.append_event(
      joined_.name, fmt::format("container-{}", state_name(state)), name,
      fmt::format("{}, was {}", state_name(state), state_name(other.told)));
}

}  // namespace millrace::health::cluster
