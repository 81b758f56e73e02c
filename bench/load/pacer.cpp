// See pacer.h.
#include "bench/load/pacer.h"

#include "engine/operation.h"

#include <poll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

namespace millrace::bench {

engine::Result<> Pacer::open() {
  timer_ = engine::Descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer_) return engine::fail_errno(errno);
  return {};
}

// Setting it anew takes an expiry back that was not read.
void Pacer::set(std::uint64_t at_ns) {
  at_ns = std::max<std::uint64_t>(at_ns, 1);  // 0 would disarm it
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(at_ns / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(at_ns % 1'000'000'000);
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

engine::Task<void> Pacer::until(std::uint64_t at_ns) {
  set(at_ns);
  co_await engine::Operation({.action = engine::Action::poll, .fd = timer_.get(), .flags = POLLIN});
}

void Pacer::wake() {
  set(1);
}

}  // namespace millrace::bench
