// See session.h.
#include "bench/load/session.h"

#include "engine/clock.h"

#include <fmt/format.h>

#include <ctime>

namespace millrace::bench {

Session::Session(const Settings& settings, const std::atomic<bool>& interrupted)
    : settings_(settings), interrupted_(interrupted), content_(settings.seed) {}

std::expected<Results, std::string> Session::run_phase_of(Phase phase, std::uint64_t start_ns,
                                                          PhaseWatcher* watcher) {
  // Objects are put and removed by the owner, whoever reads them.
  const Auth beside = settings_.has_keys() ? Auth::header : Auth::none;
  const Job job{.settings = settings_,
                .content = content_,
                .heads = heads_,
                .phase = phase,
                .auth = phase == Phase::run ? settings_.auth : beside,
                .start_ns = start_ns,
                .fresh = fresh_,
                .interrupted = &interrupted_};
  return run_phase(job, watcher);
}

std::expected<void, std::string> Session::run_side_phase(Phase phase, const char* what) {
  const auto results = run_phase_of(phase, engine::monotonic_ns(), nullptr);
  if (!results) return std::unexpected(results.error());
  if (interrupted_) return std::unexpected("interrupted");
  if (results->errors.empty()) return {};
  const auto& [key, count] = *results->errors.begin();
  return std::unexpected(fmt::format("{}: {} ({} times)", what, key.second, count));
}

std::expected<void, std::string> Session::prepare() {
  if (settings_.prepare) {
    if (const auto made = run_side_phase(Phase::make_bucket, "the bucket can't be made"); !made) {
      return made;
    }
    if (const auto put = run_side_phase(Phase::upload, "the objects can't be put"); !put) {
      return put;
    }
  }
  auto heads = PreparedHeads::make(settings_, std::time(nullptr));
  if (!heads) return std::unexpected(heads.error());
  heads_ = std::move(*heads);
  return {};
}

std::expected<Results, std::string> Session::run(std::uint64_t start_ns, PhaseWatcher* watcher) {
  auto results = run_phase_of(Phase::run, start_ns, watcher);
  if (results) fresh_ = results->fresh;
  return results;
}

std::expected<void, std::string> Session::clean_up() {
  return run_side_phase(Phase::remove, "the objects can't be deleted");
}

}  // namespace millrace::bench
