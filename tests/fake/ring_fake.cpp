// See ring_fake.h. As in the kernel, outcomes are gathered first and their handlers run at the
// end of turn(); messages between rings go by a table of all of them.
#include "tests/fake/ring_fake.h"

#include "engine/check.h"
#include "tests/fake/ring_state.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace millrace::engine {

namespace {

constexpr std::uint64_t wall_start_ns = 1'700'000'000'000'000'000;
constexpr std::uint64_t stuck_ns = 3'600'000'000'000;  // of virtual time
constexpr std::uint64_t stuck_real_ns = 120'000'000'000;

std::mutex rings_mutex;
std::map<int, Ring::State*> rings;  // by descriptor: where messages go

}  // namespace

Ring::Ring(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Ring>> Ring::create(const RingOptions& options) {
  auto state = std::make_unique<State>(tests::fake::scenario());
  state->wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (state->wake_fd < 0) return fail_errno(errno);
  state->workers = std::make_unique<Workers>(options.worker_threads, state->wake_fd);
  state->last_event_ns = state->now();
  const std::lock_guard lock(rings_mutex);
  rings[state->wake_fd] = state.get();
  return std::unique_ptr<Ring>(new Ring(std::move(state)));
}

Ring::~Ring() {
  {
    const std::lock_guard lock(rings_mutex);
    rings.erase(state_->wake_fd);
  }
  state_->workers.reset();
  ::close(state_->wake_fd);
}

void Ring::submit(Completion& completion, const Request& request) {
  State& state = *state_;
  const int fault = state.scenario.judge(request.action, state.chance.number());
  if (request.action == Action::call && state.scenario.plan.calls_on_threads && fault == 0) {
    ++state.calls_away;
    state.workers->run(completion, request.call, request.address);
    return;
  }
  auto entry = std::make_unique<State::Entry>(
      State::Entry{.completion = &completion, .request = request, .due_ns = state.delayed()});
  entry->fault = fault;
  // Both take effect in the order of submission, as in the kernel; only their outcomes are late.
  if (request.action == Action::cancel) {
    entry->done =
        static_cast<std::uint32_t>(-state.cancel(static_cast<Completion*>(request.address)));
  }
  if (request.action == Action::message && fault == 0) {
    entry->done = static_cast<std::uint32_t>(-state.send_message(request));
  }
  state.entries.push_back(std::move(entry));
}

std::int32_t Ring::State::send_message(const Request& request) {
  const std::lock_guard lock(rings_mutex);
  const auto target = rings.find(request.fd);
  if (target == rings.end()) return -EBADFD;
  State& other = *target->second;
  const std::lock_guard inbox_lock(other.inbox_mutex);
  other.inbox.push_back({static_cast<Completion*>(request.address),
                         {.result = static_cast<std::int32_t>(request.length)}});
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(other.wake_fd, &one, sizeof one);
  return 0;
}

void Ring::turn(std::uint64_t wait_ns, std::uint64_t& now_ns) {
  State& state = *state_;
  const std::uint64_t limit_ns = state.now() + wait_ns;
  state.events.clear();
  state.woken = false;
  bool going = true;
  while (going) {
    state.take_arrivals();
    state.gather();
    if (!state.events.empty() || state.woken) break;
    going = wait_ns > 0 && state.advance(limit_ns);
  }
  if (state.events.empty() && wait_ns == 0) state.look(0);
  now_ns = state.now();
  if (!state.events.empty() || state.woken) state.last_event_ns = now_ns;
  if (now_ns - state.last_event_ns > (state.scenario.plan.real_time ? stuck_real_ns : stuck_ns)) {
    std::fprintf(stderr, "fake ring: nothing has happened for %s; stuck\n",
                 state.scenario.plan.real_time ? "2 minutes" : "an hour of virtual time");
    std::abort();
  }
  // Handlers submit, which adds to entries, never to events.
  for (const auto& [completion, outcome] : state.events) completion->handler(*completion, outcome);
}

std::byte* Ring::receive_buffer(std::uint16_t id) {
  return state_->buffers.data() + id * limits::receive_buffer_bytes;
}

void Ring::return_receive_buffer(std::uint16_t id) {
  // Whoever still reads it reads nonsense.
  std::memset(receive_buffer(id), 0xdd, limits::receive_buffer_bytes);
  CHECK(std::ranges::find(state_->free_buffers, id) == state_->free_buffers.end());
  state_->free_buffers.insert(state_->free_buffers.begin(), id);
}

int Ring::descriptor() const {
  return state_->wake_fd;
}

void Ring::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(state_->wake_fd, &one, sizeof one);
}

std::uint64_t Ring::monotonic_ns() const {
  return state_->now();
}

std::uint64_t Ring::wall_ns() const {
  if (state_->scenario.plan.real_time) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL +
           static_cast<std::uint64_t>(now.tv_nsec);
  }
  return wall_start_ns + (state_->virtual_ns - State::start_ns);
}

}  // namespace millrace::engine
