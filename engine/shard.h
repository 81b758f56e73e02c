// One thread of the server with everything it owns: ring, timers, buffers, counters. Nothing
// in a shard is touched by another thread, except the mailbox and the status page.
#pragma once

#include "engine/buffer_pool.h"
#include "engine/group.h"
#include "engine/limits.h"
#include "engine/log.h"
#include "engine/ready_queue.h"
#include "engine/ring.h"
#include "engine/status_page.h"
#include "engine/timer_wheel.h"

#include <atomic>
#include <memory>

namespace millrace::engine {

class Shard;

// Something for a shard to do, from any thread. The sender keeps it alive until `run` has
// been called (on the shard's thread).
struct Message {
  using Handler = void (*)(Message& self, Shard& shard);
  explicit Message(Handler run_in) : run(run_in) {}
  Handler run;
  Message* next = nullptr;
};

// What is unread of a receive buffer, and which one of the same stream comes next.
struct ReceivedPiece {
  std::uint16_t next = 0;
  std::uint16_t begin = 0;
  std::uint16_t end = 0;
};
static_assert(limits::receive_buffer_bytes <= 0xffff && limits::receive_buffer_count <= 0x10000);

struct ShardOptions {
  unsigned index = 0;
  StatusPage* page = nullptr;  // outlives the shard
  LogChannel* log = nullptr;   // outlives the shard
  RingOptions ring{};
};

class Shard {
 public:
  // Makes the shard of the calling thread, which must be the one that runs it.
  static Result<std::unique_ptr<Shard>> create(const ShardOptions& options);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // The shard of this thread. There is one wherever coroutines run.
  static Shard& current();

  unsigned index() const { return index_; }
  Ring& ring() { return *ring_; }
  TimerWheel& timers() { return timers_; }
  ReadyQueue& ready() { return ready_; }
  BufferPool& body_buffers() { return body_buffers_; }
  BufferPool& request_blocks() { return request_blocks_; }
  BufferPool& plain_blocks() { return plain_blocks_; }  // of TLS connections
  StatusPage& page() { return page_; }
  LogChannel& log() { return log_; }
  TaskGroup& tasks() { return tasks_; }
  ReceivedPiece& received(std::uint16_t buffer) { return received_[buffer]; }

  // Of the loop; counted before the outcomes of a turn are handled.
  std::uint64_t turns() const { return turns_; }
  // Read at the start of every turn of the loop.
  std::uint64_t now_ns() const { return now_ns_; }
  std::uint64_t wall_seconds() const { return wall_ns_ / 1'000'000'000; }
  std::uint64_t wall_ns() const { return wall_ns_; }

  // Whether this turn has room for a step of a TLS handshake; if not, another one will.
  bool admit_handshake();

  void arm(Timer& timer, std::uint64_t delay_ms) { timers_.arm(timer, now_ns_, delay_ms); }

  // Sends `value` as the result of a completion that lives in another shard; the way
  // connections travel. Called on this shard's thread. On an error it did not arrive and the
  // value is the caller's again.
  Task<Result<>> deliver(Shard& to, Completion& completion, std::int32_t value);
  // From any thread.
  void post(Message& message);
  // Submits a request whose outcome nobody waits for (shutdown of a socket, a cancel).
  void submit_ignored(const Request& request);

  // The loop; returns when `stop()` was called and no task of tasks() runs.
  void run();
  void stop() { stopping_ = true; }
  bool stopping() const { return stopping_; }
  // The loop until the task is done: for tests and small programs.
  void run_until(const Task<>& task);

 private:
  Shard(const ShardOptions& options, std::unique_ptr<Ring> ring);
  void turn();
  void publish_status();
  void run_mailbox();

  struct Ignored : Completion {
    Ignored() : Completion([](Completion&, Outcome) {}) {}
  };

  const unsigned index_;
  std::unique_ptr<Ring> ring_;
  StatusPage& page_;
  LogChannel& log_;
  std::uint64_t now_ns_;
  std::uint64_t wall_ns_;
  std::uint64_t turns_ = 0;
  std::uint64_t handshakes_turn_ = 0;  // the turn that handshakes_ counts
  unsigned handshakes_ = 0;
  TimerWheel timers_;
  ReadyQueue ready_;
  BufferPool body_buffers_;
  BufferPool request_blocks_;
  BufferPool plain_blocks_;
  TaskGroup tasks_;
  std::unique_ptr<ReceivedPiece[]> received_;  // one for each receive buffer
  Ignored ignored_;
  std::atomic<Message*> mailbox_{nullptr};
  bool stopping_ = false;
};

// co_await Yield{}: everything else of the shard that is ready has its turn first.
struct Yield {
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> self) const { Shard::current().ready().push(self); }
  void await_resume() const {}
};

// co_await sleep_for(ms): at least so long, on this shard.
class Sleep {
 public:
  explicit Sleep(std::uint64_t delay_ms) : timer_(*this), delay_ms_(delay_ms) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    timer_.waiter = self;
    Shard::current().arm(timer_, delay_ms_);
  }
  void await_resume() const {}

 private:
  struct Wake : Timer {
    explicit Wake(Sleep&) : Timer([](Timer& self) { static_cast<Wake&>(self).waiter.resume(); }) {}
    std::coroutine_handle<> waiter;
  };
  Wake timer_;
  const std::uint64_t delay_ms_;
};
inline Sleep sleep_for(std::uint64_t delay_ms) {
  return Sleep(delay_ms);
}

}  // namespace millrace::engine
