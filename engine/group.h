// Tasks that run beside their owner and are joined before it goes; and a one-waiter signal.
// Owned by one shard.
#pragma once

#include "engine/check.h"
#include "engine/task.h"

#include <coroutine>
#include <cstddef>

namespace millrace::engine {

// One coroutine may wait; anything on the same shard may notify it.
class Signal {
 public:
  void notify() {
    set_ = true;
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

  // Waits for the next notify(), or returns at once if one came since the last wait.
  auto wait() {
    struct Awaiter {
      Signal& signal;
      bool await_ready() const { return signal.set_; }
      void await_suspend(std::coroutine_handle<> self) {
        MILLRACE_CHECK(!signal.waiter_);
        signal.waiter_ = self;
      }
      void await_resume() { signal.set_ = false; }
    };
    return Awaiter{*this};
  }

 private:
  std::coroutine_handle<> waiter_;
  bool set_ = false;
};

class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() { MILLRACE_CHECK(running_ == 0); }

  // Adopts the task; its frame is freed when it ends.
  void adopt(Task<> task) {
    ++running_;
    run(*this, std::move(task));
  }

  std::size_t running() const { return running_; }

  // Returns when no adopted task runs. One waiter.
  Task<> join() {
    while (running_ > 0) co_await ended_.wait();
  }

 private:
  struct Detached {
    struct promise_type : detail::PromiseBase {
      Detached get_return_object() const { return {}; }
      std::suspend_never final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
    };
  };

  static Detached run(TaskGroup& group, Task<> task) {
    {
      const Task<> owned = std::move(task);
      co_await const_cast<Task<>&>(owned);
    }
    --group.running_;
    group.ended_.notify();
  }

  std::size_t running_ = 0;
  Signal ended_;
};

}  // namespace millrace::engine
