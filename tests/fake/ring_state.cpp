// See ring_state.h. A request waits in `entries` until its (virtual) time; then a file action
// is carried out and a socket action tried, and tried again when poll(2) says so. Virtual time
// moves only when nothing can be done at the present one.
#include "tests/fake/ring_state.h"

#include "engine/check.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace::engine {

namespace {
constexpr std::uint64_t ms = 1'000'000;
}

std::uint64_t Ring::State::now() const {
  if (!scenario.plan.real_time) return virtual_ns;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::int32_t Ring::State::cancel(Completion* target) {
  for (const auto& entry : entries) {
    if (entry->completion != target || entry->cancelled) continue;
    const Action action = entry->request.action;
    if (action == Action::cancel || action == Action::message) continue;
    if (action == Action::call) return -ENOENT;
    if (tests::fake::is_file_action(action) && chance.happens(scenario.plan.late_probability)) {
      return -EALREADY;
    }
    entry->cancelled = true;
    entry->waits = false;
    entry->due_ns = delayed();
    return 0;
  }
  return -ENOENT;
}

void Ring::State::emit(Entry& entry, std::int32_t result) {
  entry.over = true;
  events.push_back({entry.completion, {.result = result}});
}

bool Ring::State::receive_once(Entry& entry) {
  if (free_buffers.empty()) {
    emit(entry, -ENOBUFS);
    return false;
  }
  const std::uint16_t id = free_buffers.back();
  const auto length = chance.shortened(limits::receive_buffer_bytes, scenario);
  const auto got = ::recv(entry.request.fd, buffers.data() + id * limits::receive_buffer_bytes,
                          length, MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN) {
      entry.waits = true;
    } else {
      emit(entry, -errno);
    }
    return false;
  }
  Outcome outcome{.result = static_cast<std::int32_t>(got), .more = got > 0};
  // Newer kernels use a buffer up for the end of the stream, others do not.
  if (got > 0 || chance.happens(0.5)) {
    outcome.has_buffer = true;
    outcome.buffer = id;
    free_buffers.pop_back();
  }
  // Now and then a multishot just ends, as when the completion queue was full.
  if (got > 0 && chance.happens(scenario.plan.late_probability / 8)) outcome.more = false;
  entry.over = !outcome.more;
  events.push_back({entry.completion, outcome});
  return outcome.more;
}

void Ring::State::run_multishot(Entry& entry) {
  for (std::uint64_t burst = 1 + chance.below(6); burst > 0; --burst) {
    if (entry.request.action == Action::receive_multishot) {
      if (!receive_once(entry)) return;
      continue;
    }
    const auto fd = tests::fake::try_socket_action(entry.request, entry.done, scenario, chance);
    if (fd == -EAGAIN) {
      entry.waits = true;
      return;
    }
    if (fd < 0) return emit(entry, fd);
    events.push_back({entry.completion, {.result = fd, .more = true}});
  }
  entry.due_ns = delayed();
}

void Ring::State::run_cancelled(Entry& entry) {
  const Action action = entry.request.action;
  if (entry.done > 0 && action != Action::connect) {
    return emit(entry, static_cast<std::int32_t>(entry.done));
  }
  if (!tests::fake::is_file_action(action) && chance.happens(scenario.plan.late_probability)) {
    if (action == Action::receive_multishot || action == Action::accept_multishot) {
      run_multishot(entry);
      if (entry.over) return;
    } else if (const auto late =
                   tests::fake::try_socket_action(entry.request, entry.done, scenario, chance);
               late != -EAGAIN) {
      return emit(entry, late);
    }
  }
  emit(entry, -ECANCELED);
}

void Ring::State::run(Entry& entry) {
  const Action action = entry.request.action;
  if (action == Action::cancel) return emit(entry, -static_cast<std::int32_t>(entry.done));
  if (entry.cancelled) return run_cancelled(entry);
  if (entry.fault != 0) {
    const bool effective = action == Action::close || scenario.plan.fail_after_effect;
    if (tests::fake::is_file_action(action) && effective) {
      const auto result = tests::fake::run_file_action(entry.request, scenario, chance);
      if (action == Action::open && result >= 0) ::close(result);
    } else if (tests::fake::is_file_action(action)) {
      tests::fake::log_failed_action(entry.request, scenario, -entry.fault);
    }
    return emit(entry, -entry.fault);
  }
  if (action == Action::message) return emit(entry, -static_cast<std::int32_t>(entry.done));
  if (tests::fake::is_file_action(action)) {
    return emit(entry, tests::fake::run_file_action(entry.request, scenario, chance));
  }
  if (action == Action::receive_multishot || action == Action::accept_multishot) {
    return run_multishot(entry);
  }
  const auto result = tests::fake::try_socket_action(entry.request, entry.done, scenario, chance);
  if (result == -EAGAIN) {
    entry.waits = true;
    return;
  }
  emit(entry, result);
}

// Runs everything that is due, in seeded order; sometimes leaves some for the next turn.
void Ring::State::gather() {
  std::vector<Entry*> due;
  for (const auto& entry : entries) {
    if (!entry->waits && entry->due_ns <= now()) due.push_back(entry.get());
  }
  if (scenario.plan.delay_max_ns > 0) {
    for (std::size_t left = due.size(); left > 1; --left) {
      std::swap(due[left - 1], due[chance.below(left)]);
    }
    if (due.size() > 1 && chance.happens(0.3)) due.resize(1 + chance.below(due.size() - 1));
  }
  for (Entry* entry : due) run(*entry);
  std::erase_if(entries, [](const auto& entry) { return entry->over; });
}

void Ring::State::take_arrivals() {
  std::uint64_t count = 0;
  woken |= ::read(wake_fd, &count, sizeof count) > 0;
  if (calls_away > 0) {
    workers->take_finished(finished);
    for (const auto& [completion, result] : finished) {
      --calls_away;
      events.push_back({completion, {.result = result}});
    }
  }
  const std::lock_guard lock(inbox_mutex);
  events.insert(events.end(), inbox.begin(), inbox.end());
  inbox.clear();
}

// Asks the system which sockets can go on; true when something can, or another thread called.
bool Ring::State::look(std::uint64_t real_wait_ns) {
  std::vector<pollfd> polled{{wake_fd, POLLIN, 0}};
  std::vector<Entry*> waiting;
  for (const auto& entry : entries) {
    if (!entry->waits) continue;
    polled.push_back({entry->request.fd, tests::fake::awaited_events(entry->request), 0});
    waiting.push_back(entry.get());
  }
  const timespec timeout{.tv_sec = static_cast<time_t>(real_wait_ns / 1'000'000'000),
                         .tv_nsec = static_cast<long>(real_wait_ns % 1'000'000'000)};
  if (::ppoll(polled.data(), polled.size(), &timeout, nullptr) <= 0) return false;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (polled[i + 1].revents == 0) continue;
    waiting[i]->waits = false;
    waiting[i]->due_ns = delayed();
  }
  return true;
}

// Nothing happened at the present time: to the next, or to the limit. False at the limit.
bool Ring::State::advance(std::uint64_t limit_ns) {
  if (look(0)) return true;
  std::uint64_t next_ns = limit_ns;
  bool sockets = false;
  for (const auto& entry : entries) {
    sockets |= entry->waits;
    if (!entry->waits) next_ns = std::min(next_ns, entry->due_ns);
  }
  const std::uint64_t present_ns = now();
  const std::uint64_t step_ns = next_ns > present_ns ? next_ns - present_ns : 0;
  if (scenario.plan.real_time) {
    if (step_ns > 0 && look(std::min(step_ns, 50 * ms))) return true;
    return now() < limit_ns;
  }
  if (calls_away > 0) return look(100 * ms) || calls_away > 0;
  // Loopback is quick but not at once: before a long wait is skipped it gets a moment.
  if (sockets && step_ns >= ms && look(step_ns >= 100 * ms ? 2 * ms : ms / 5)) return true;
  virtual_ns = std::max(present_ns, next_ns);
  return next_ns < limit_ns;
}

}  // namespace millrace::engine
