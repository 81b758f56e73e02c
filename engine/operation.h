// One request as something to co_await: it lives in the awaiting frame until its completion.
// The result is that of the system call (negative errno on failure). There is no dropping of
// an operation in flight; cancel() asks, and the await still ends with the outcome.
#pragma once

#include "engine/shard.h"

#include <coroutine>

namespace millrace::engine {

class Operation : private Completion {
 public:
  explicit Operation(const Request& request) : Completion(&Operation::finish), request_(request) {}
  ~Operation() { MILLRACE_CHECK(!waiter_); }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    waiter_ = self;
    Shard::current().ring().submit(*this, request_);
  }
  std::int32_t await_resume() const noexcept { return result_; }

  // Asks the kernel to end it early. Same shard.
  void cancel() {
    if (!waiter_) return;
    Shard::current().submit_ignored(
        {.action = Action::cancel, .address = static_cast<Completion*>(this)});
  }

 private:
  static void finish(Completion& self, Outcome outcome) {
    auto& operation = static_cast<Operation&>(self);
    operation.result_ = outcome.result;
    std::exchange(operation.waiter_, nullptr).resume();
  }

  const Request request_;
  std::int32_t result_ = 0;
  std::coroutine_handle<> waiter_;
};

// `T` is what a call that succeeds is worth; here, that it did.
inline Result<> as_result(std::int32_t result) {
  if (result < 0) return std::unexpected(Error::from_result(result));
  return {};
}

}  // namespace millrace::engine
