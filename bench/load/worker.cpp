// See worker.h.
#include "bench/load/worker.h"

#include "bench/load/limits.h"

#include <time.h>

#include <algorithm>

namespace millrace::bench {

using engine::Shard;
using engine::Task;

namespace {

constexpr std::uint64_t tick_ms = 10;
// What is under way when the window ends may end in order within this time.
constexpr std::uint64_t grace_ns = 2'000'000'000;

std::uint64_t thread_processor_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

template <class T>
T share_of(T whole, unsigned stream, unsigned streams) {
  return whole / streams + (stream < whole % streams ? 1 : 0);
}

std::uint64_t begin_of(const Job& job) {
  return job.start_ns + (job.phase == Phase::run ? job.settings.warmup_ms * 1'000'000 : 0);
}

std::uint64_t end_of(const Job& job) {
  if (job.phase != Phase::run || job.settings.duration_ms == 0) return Recorder::no_end;
  return begin_of(job) + job.settings.duration_ms * 1'000'000;
}

unsigned stream_of(const Job& job, unsigned local) {
  return job.settings.host * job.settings.threads + local;
}

}  // namespace

Worker::Worker(const Job& job, unsigned local)
    : job_(job),
      settings_(job.settings),
      local_(local),
      stream_(stream_of(job, local)),
      requests_share_(share_of(settings_.requests, stream_, settings_.streams())),
      recorder_(settings_.endpoints.size(), begin_of(job), end_of(job)),
      choice_(settings_.endpoints.size()),
      signer_(settings_.identity),
      plan_(settings_, stream_),
      discard_(limits::discard_bytes),
      site_{settings_, job.content, choice_, recorder_, discard_} {
  const unsigned streams = settings_.streams();
  const unsigned before = stream_ * (settings_.connections / streams) +
                          std::min(stream_, settings_.connections % streams);
  const unsigned count =
      job.phase == Phase::make_bucket ? 1 : share_of(settings_.connections, stream_, streams);
  for (unsigned i = 0; i < count; ++i) {
    const auto home = static_cast<unsigned>((before + i) % settings_.endpoints.size());
    clients_.push_back(std::make_unique<Client>(*this, site_, home));
  }
  if (job.phase == Phase::run && settings_.open_loop()) {
    arrivals_.emplace(settings_, stream_, job.start_ns);
  }
}

engine::Result<> Worker::prepare() {
  return arrivals_ ? pacer_.open() : engine::Result<>{};
}

std::optional<Step> Worker::next_object(Operation operation) {
  const std::uint64_t object = stream_ + cursor_ * settings_.streams();
  if (object >= settings_.objects) return std::nullopt;
  ++cursor_;
  return Step{.operation = operation, .object = object, .bytes = object_bytes(settings_, object)};
}

std::optional<Step> Worker::next_step() {
  switch (job_.phase) {
    case Phase::run: return plan_.next();
    case Phase::upload: return next_object(Operation::put);
    case Phase::make_bucket:
      if (local_ > 0 || cursor_++ > 0) return std::nullopt;
      return Step{.operation = Operation::make_bucket};
    case Phase::remove: break;
  }
  if (const auto step = next_object(Operation::remove)) return step;
  if (local_ >= job_.fresh.size() || issued_ >= job_.fresh[local_]) return std::nullopt;
  return Step{.operation = Operation::remove, .object = fresh_number(stream_, issued_++)};
}

// The thread's processor time is taken at both ends of the window.
void Worker::look_at_clock(std::uint64_t now_ns) {
  if (window_begun_ || now_ns < recorder_.begin_ns()) return;
  window_begun_ = true;
  processor_begin_ns_ = thread_processor_ns();
}

void Worker::end_window() {
  if (window_ended_) return;
  window_ended_ = true;
  if (window_begun_) {
    recorder_.results().processor_ns = thread_processor_ns() - processor_begin_ns_;
  }
}

Worker::Turn Worker::finish(std::uint64_t now_ns, Ending why) {
  if (over_) return Turn::over;
  over_ = true;
  over_since_ns_ = now_ns;
  if (why != Ending::duration) recorder_.cut(now_ns, why);
  if (recorder_.end_ns() != Recorder::no_end) {
    end_window();
    while (arrivals_ && arrivals_->next_ns() < recorder_.end_ns()) {
      recorder_.unstarted(arrivals_->next_ns());
      arrivals_->take();
    }
  }
  const auto waiting = std::exchange(idle_, {});
  for (Client* client : waiting) client->give(nullptr);
  if (arrivals_) pacer_.wake();
  became_idle_.notify();
  return Turn::over;
}

Worker::Turn Worker::take(Ticket& ticket) {
  if (over_) return Turn::over;
  const std::uint64_t now_ns = Shard::current().ring().monotonic_ns();
  look_at_clock(now_ns);
  if (now_ns >= recorder_.end_ns()) return finish(now_ns, Ending::duration);
  const std::uint64_t due_ns = arrivals_ ? arrivals_->next_ns() : now_ns;
  if (due_ns > now_ns) return Turn::wait;
  const bool counts = job_.phase == Phase::run && due_ns >= recorder_.begin_ns();
  if (counts && settings_.requests > 0 && issued_ == requests_share_) {
    return finish(now_ns, Ending::requests);
  }
  const auto step = next_step();
  if (!step) return finish(now_ns, Ending::objects);
  if (counts) ++issued_;
  if (arrivals_) {
    recorder_.start_delay(due_ns, now_ns);
    arrivals_->take();
  }
  ticket = {.step = *step, .started_ns = due_ns};
  return Turn::go;
}

void Worker::wait_for_turn(Client& client) {
  idle_.push_back(&client);
  became_idle_.notify();
}

void Worker::succeeded(const Step& step, const Done& done) {
  recorder_.success(done);
  if (step.operation == Operation::put) plan_.put_done(step.object);
}

Task<> Worker::pace() {
  while (!over_) {
    if (idle_.empty()) {
      co_await became_idle_.wait();
      continue;
    }
    Ticket ticket;
    const Turn turn = take(ticket);
    if (turn == Turn::go) {
      Client* const client = idle_.front();
      idle_.pop_front();
      client->give(&ticket);
    } else if (turn == Turn::wait) {
      co_await pacer_.until(std::min(arrivals_->next_ns(), recorder_.end_ns()));
    }
  }
}

Task<> Worker::tick() {
  while (group_.running() > 0) {
    co_await engine::sleep_for(tick_ms);
    const std::uint64_t now_ns = Shard::current().now_ns();
    look_at_clock(now_ns);
    recorder_.advance(now_ns);
    if (job_.interrupted != nullptr && job_.interrupted->load(std::memory_order_relaxed)) {
      finish(now_ns, Ending::interrupted);
    }
    if (now_ns >= recorder_.end_ns()) finish(now_ns, Ending::duration);
    // Without an end in time, as many requests as were asked for are waited for.
    const bool bounded = recorder_.end_ns() != Recorder::no_end;
    if (over_ && bounded && now_ns - over_since_ns_ > grace_ns) {
      for (const auto& client : clients_) client->abort();
    }
  }
}

Task<> Worker::run() {
  for (const auto& client : clients_) group_.adopt(client->run());
  Task<> ticking = tick();
  if (arrivals_) {
    Task<> pacing = pace();
    co_await group_.join();
    co_await pacing;
  } else {
    co_await group_.join();
  }
  co_await ticking;
  end_window();
  recorder_.close();
  recorder_.results().fresh.push_back(plan_.fresh_count());
  ended_.store(true, std::memory_order_release);
  Shard::current().stop();
  Shard::current().ring().wake();  // this turn has yet to wait, and nothing else would end that
}

}  // namespace millrace::bench
