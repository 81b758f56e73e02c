// Coroutines that can go on, resumed by the shard's loop and never from inside the call that
// made them ready: the stack stays flat. Owned by one shard.
#pragma once

#include <coroutine>
#include <utility>
#include <vector>

namespace millrace::engine {

class ReadyQueue {
 public:
  void push(std::coroutine_handle<> coroutine) { ready_.push_back(coroutine); }
  bool empty() const { return ready_.empty(); }

  // Runs what was ready when called; what becomes ready meanwhile waits for the next call.
  void run() {
    running_.swap(ready_);
    for (const auto coroutine : running_) coroutine.resume();
    running_.clear();
  }

 private:
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> running_;
};

}  // namespace millrace::engine
