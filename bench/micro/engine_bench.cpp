// What the engine adds to each request: a coroutine's frame, timers armed and disarmed.
#include "engine/task.h"
#include "engine/timer_wheel.h"

#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <vector>

namespace millrace::bench {
namespace {

using engine::Task;

// Finishes without suspending, as most do whose data is in memory. Opaque to the optimiser, which
// would else leave out the frame.
template <std::size_t bytes>
[[gnu::noinline]] Task<int> leaf(int value) {
  std::array<char, bytes> kept;
  benchmark::DoNotOptimize(kept);
  co_await std::suspend_never{};
  benchmark::DoNotOptimize(kept);
  co_return value;
}

template <std::size_t bytes>
void task(benchmark::State& state) {
  for (auto step : state) {
    const Task<int> made = leaf<bytes>(1);
    benchmark::DoNotOptimize(made.done());
  }
}
BENCHMARK(task<64>);
BENCHMARK(task<8192>);

// Rearming is what every receive and every send does.
void timer_rearm(benchmark::State& state) {
  std::uint64_t now_ns = 1;
  engine::TimerWheel wheel(now_ns);
  engine::Timer timer([](engine::Timer&) {});
  for (auto step : state) wheel.arm(timer, now_ns += 100, 30'000);
}
BENCHMARK(timer_rearm);

// A turn of the loop with as many timers as there are connections, none of them due.
void timer_turn(benchmark::State& state) {
  std::uint64_t now_ns = 1;
  engine::TimerWheel wheel(now_ns);
  std::vector<std::unique_ptr<engine::Timer>> timers;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    timers.push_back(std::make_unique<engine::Timer>([](engine::Timer&) {}));
    wheel.arm(*timers.back(), now_ns, 1'000'000 + static_cast<std::uint64_t>(i));
  }
  for (auto step : state) {
    wheel.advance(now_ns += 1000);
    benchmark::DoNotOptimize(wheel.next_ns(now_ns));
  }
}
BENCHMARK(timer_turn)->Arg(0)->Arg(10'000);

}  // namespace
}  // namespace millrace::bench
