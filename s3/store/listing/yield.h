// co_await Yield{}: lets everything else on the shard that is ready have its turn first.
#pragma once

#include "engine/shard.h"

#include <coroutine>

namespace millrace::s3::store {

struct Yield {
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> self) const {
    engine::Shard::current().ready().push(self);
  }
  void await_resume() const {}
};

}  // namespace millrace::s3::store
