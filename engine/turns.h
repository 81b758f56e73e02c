// A bounded number of turns, given in the order they were asked for: for work that must not be
// done by everybody at once. Owned by one shard.
#pragma once

#include "engine/check.h"
#include "engine/shard.h"

#include <coroutine>
#include <cstddef>
#include <utility>

namespace millrace::engine {

class Turns {
 public:
  explicit Turns(std::size_t count) : free_(count) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  ~Turns() { MILLRACE_CHECK(first_ == nullptr); }

  // A turn; over when it is destroyed.
  class Held {
   public:
    explicit Held(Turns& turns) : turns_(&turns) {}
    Held(Held&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (turns_ != nullptr) turns_->give_back();
    }

   private:
    Turns* turns_;
  };

  struct Take {
    Turns& turns;
    std::coroutine_handle<> waiter{};
    Take* next = nullptr;
    bool await_ready() {
      if (turns.free_ == 0) return false;
      --turns.free_;
      return true;
    }
    void await_suspend(std::coroutine_handle<> self) {
      waiter = self;
      (turns.last_ == nullptr ? turns.first_ : turns.last_->next) = this;
      turns.last_ = this;
    }
    Held await_resume() { return Held(turns); }
  };
  // co_await: a turn, sooner or later.
  Take take() { return Take{*this}; }

 private:
  // To who has waited longest, without being free between.
  void give_back() {
    if (first_ == nullptr) {
      ++free_;
      return;
    }
    Take* const next = std::exchange(first_, first_->next);
    if (first_ == nullptr) last_ = nullptr;
    Shard::current().ready().push(next->waiter);
  }

  std::size_t free_;
  Take* first_ = nullptr;
  Take* last_ = nullptr;
};

}  // namespace millrace::engine
