// See recorder.h.
#include "bench/load/recorder.h"

#include <algorithm>

namespace millrace::bench {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

}  // namespace

Recorder::Recorder(std::size_t endpoints, std::uint64_t begin_ns, std::uint64_t end_ns)
    : begin_ns_(begin_ns),
      end_ns_(end_ns),
      last_ended_ns_(begin_ns),
      second_end_ns_(begin_ns + second_ns),
      seconds_(std::make_unique<std::unique_ptr<Second>[]>(limits::seconds_max)) {
  results_.endpoints.resize(endpoints);
}

bool Recorder::counts(const Done& done) {
  results_.requests_sent += done.requests;
  if (done.started_ns < begin_ns_ || done.started_ns >= end_ns_) return false;
  if (done.ended_ns < end_ns_) {
    advance(done.ended_ns);
    last_ended_ns_ = std::max(last_ended_ns_, done.ended_ns);
    return true;
  }
  ++results_.unfinished;
  results_.unfinished_oldest_ns =
      std::max(results_.unfinished_oldest_ns, end_ns_ - done.started_ns);
  return false;
}

void Recorder::success(const Done& done) {
  if (!counts(done)) return;
  const std::uint64_t latency_ns = done.ended_ns - done.started_ns;
  const auto add = [&](Tally& tally) {
    ++tally.operations;
    tally.requests += done.requests;
    tally.bytes_sent += done.bytes_sent;
    tally.bytes_received += done.bytes_received;
    tally.latency.record(latency_ns);
  };
  add(results_.operations[static_cast<std::size_t>(done.operation)]);
  add(results_.endpoints[done.endpoint].tally);
  ++current_.operations;
  current_.bytes += done.bytes_sent + done.bytes_received;
  current_latency_.record(latency_ns);
}

void Recorder::failure(const Done& done, std::string_view what) {
  if (!counts(done)) {
    if (done.started_ns < begin_ns_) ++results_.errors_outside;
    return;
  }
  ++results_.operations[static_cast<std::size_t>(done.operation)].errors;
  ++results_.endpoints[done.endpoint].tally.errors;
  ++current_.errors;
  auto& errors = results_.errors;
  const bool room = errors.size() < limits::error_kinds_max;
  auto found = errors.find({done.operation, std::string(what)});
  if (found == errors.end()) {
    found = errors.try_emplace({done.operation, room ? std::string(what) : "other"}).first;
  }
  ++found->second;
}

void Recorder::start_delay(std::uint64_t due_ns, std::uint64_t now_ns) {
  if (in_window(due_ns)) results_.start_delay.record(now_ns > due_ns ? now_ns - due_ns : 0);
}

void Recorder::unstarted(std::uint64_t due_ns) {
  if (!in_window(due_ns)) return;
  ++results_.unstarted;
  results_.unfinished_oldest_ns = std::max(results_.unfinished_oldest_ns, end_ns_ - due_ns);
}

void Recorder::finish_second() {
  const std::size_t index = finished_.load(std::memory_order_relaxed);
  if (index < limits::seconds_max) {
    current_.latency = current_latency_.pack();
    seconds_[index] = std::make_unique<Second>(current_);
    finished_.store(index + 1, std::memory_order_release);
  }
  current_ = {};
  current_latency_.clear();
  second_end_ns_ += second_ns;
}

void Recorder::advance(std::uint64_t now_ns) {
  while (second_end_ns_ <= now_ns && second_end_ns_ <= end_ns_) finish_second();
}

void Recorder::cut(std::uint64_t now_ns, Ending why) {
  if (cut_ || now_ns >= end_ns_) return;
  cut_ = true;
  results_.ending = why;
  // What was asked for is done: the window ends with its last answer, which may be still to come.
  if (why == Ending::interrupted) end_ns_ = std::max(begin_ns_, now_ns);
}

void Recorder::close() {
  const bool by_last = cut_ && results_.ending != Ending::interrupted;
  const std::uint64_t end_ns = by_last ? last_ended_ns_ + 1 : end_ns_;
  results_.window_ns = end_ns - begin_ns_;
  end_ns_ = end_ns;
  advance(end_ns);
  if (current_.operations + current_.errors > 0) finish_second();
  const std::size_t count = finished_seconds();
  for (std::size_t i = 0; i < count; ++i) results_.seconds.push_back(*seconds_[i]);
}

}  // namespace millrace::bench
