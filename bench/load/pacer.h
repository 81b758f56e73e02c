// Wakes one coroutine at a point in time, to microseconds where the shard's timers have ticks of
// milliseconds: a timer descriptor that the ring waits for. Owned by one shard.
#pragma once

#include "engine/descriptor.h"
#include "engine/error.h"
#include "engine/task.h"

#include <cstdint>

namespace millrace::bench {

class Pacer {
 public:
  engine::Result<> open();
  // Until `at_ns` (monotonic) or wake(). One waiter.
  engine::Task<void> until(std::uint64_t at_ns);
  void wake();

 private:
  void set(std::uint64_t at_ns);
  engine::Descriptor timer_;
};

}  // namespace millrace::bench
