// The loop of a shard. Its rules, in the order of a turn:
//   1. read the clocks once; everything in the turn uses that time;
//   2. run the timers that are due, then messages of other threads, then ready coroutines;
//   3. submit what all of these queued in one system call, which also waits when there is
//      nothing ready (at most until the next timer or the next heartbeat);
//   4. copy the completions out of the ring, then run their handlers: never inside a submit.
// Handlers and coroutines only queue requests; none of them enters the kernel to wait.
#include "engine/shard.h"

#include "engine/limits.h"
#include "engine/operation.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

namespace millrace::engine {

namespace {
thread_local Shard* current_shard = nullptr;
constexpr std::uint64_t heartbeat_interval_ns = 500'000'000;

// sendfile(2) has no MSG_NOSIGNAL: to a connection that its peer has left it raises SIGPIPE,
// for the calling thread. Blocked there, the call just returns EPIPE.
void block_broken_pipe_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}
}  // namespace

Shard& Shard::current() {
  CHECK(current_shard != nullptr);
  return *current_shard;
}

Result<std::unique_ptr<Shard>> Shard::create(const ShardOptions& options) {
  auto ring = Ring::create(options.ring);
  if (!ring) return std::unexpected(ring.error());
  return std::unique_ptr<Shard>(new Shard(options, std::move(*ring)));
}

Shard::Shard(const ShardOptions& options, std::unique_ptr<Ring> ring)
    : index_(options.index),
      ring_(std::move(ring)),
      page_(*options.page),
      log_(*options.log),
      now_ns_(ring_->monotonic_ns()),
      wall_ns_(ring_->wall_ns()),
      timers_(now_ns_),
      body_buffers_(limits::body_buffer_bytes, limits::body_buffer_count, ready_),
      request_blocks_(limits::request_block_bytes, limits::request_block_count, ready_),
      plain_blocks_(limits::plain_block_bytes, limits::plain_block_count, ready_),
      received_(std::make_unique<ReceivedPiece[]>(limits::receive_buffer_count)) {
  CHECK(current_shard == nullptr);
  current_shard = this;
  block_broken_pipe_signal();
}

Shard::~Shard() {
  current_shard = nullptr;
}

Task<Result<>> Shard::deliver(Shard& to, Completion& completion, std::int32_t value) {
  if (&to == this) {
    completion.handler(completion, {.result = value});
    co_return Result<>{};
  }
  co_return as_result(co_await Operation({.action = Action::message,
                                          .fd = to.ring_->descriptor(),
                                          .length = static_cast<std::uint32_t>(value),
                                          .address = &completion}));
}

bool Shard::admit_handshake() {
  if (handshakes_turn_ != turns_) handshakes_ = 0;
  handshakes_turn_ = turns_;
  if (handshakes_ == limits::handshakes_per_turn) return false;
  ++handshakes_;
  return true;
}

void Shard::submit_ignored(const Request& request) {
  ring_->submit(ignored_, request);
}

void Shard::post(Message& message) {
  Message* head = mailbox_.load(std::memory_order_relaxed);
  do {
    message.next = head;
  } while (!mailbox_.compare_exchange_weak(head, &message, std::memory_order_release,
                                           std::memory_order_relaxed));
  ring_->wake();
}

void Shard::run_mailbox() {
  if (mailbox_.load(std::memory_order_relaxed) == nullptr) return;
  Message* newest = mailbox_.exchange(nullptr, std::memory_order_acquire);
  Message* oldest = nullptr;
  while (newest != nullptr) {
    Message* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    Message* next = oldest->next;
    oldest->run(*oldest, *this);
    oldest = next;
  }
}

void Shard::turn() {
  timers_.advance(now_ns_);
  run_mailbox();
  ready_.run();
  const std::uint64_t before_ns = ring_->monotonic_ns();
  std::uint64_t wait_ns = 0;
  if (ready_.empty()) wait_ns = std::min(timers_.next_ns(before_ns), heartbeat_interval_ns);
  page_.busy_ns.add(before_ns - now_ns_);
  ++turns_;
  ring_->turn(wait_ns, now_ns_);
  wall_ns_ = ring_->wall_ns();
  publish_status();
}

void Shard::publish_status() {
  page_.turns.add();
  page_.heartbeat_ns.set(now_ns_);
  page_.body_buffers_in_use.set(body_buffers_.in_use());
  page_.buffer_waiters.set(body_buffers_.waiting() + request_blocks_.waiting());
  page_.log_lines_dropped.set(log_.dropped());
}

void Shard::run() {
  while (!stopping_ || tasks_.running() > 0) turn();
}

void Shard::run_until(const Task<>& task) {
  while (!task.done()) turn();
}

}  // namespace millrace::engine
