// The wheel against a naive list of deadlines, and its edges one by one.
#include "engine/timer_wheel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

using millrace::engine::Timer;
using millrace::engine::TimerWheel;

namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t tick_ms = TimerWheel::tick_ns / ms;

struct Probe : Timer {
  Probe() : Timer(&Probe::fired) {}
  static void fired(Timer& self) {
    auto& probe = static_cast<Probe&>(self);
    ++probe.count;
    if (probe.again != nullptr) probe.again->arm(probe, *probe.now_ns, probe.again_ms);
  }
  unsigned count = 0;
  TimerWheel* again = nullptr;
  const std::uint64_t* now_ns = nullptr;
  std::uint64_t again_ms = 0;
};

}  // namespace

TEST_CASE("a timer never fires early and at most one tick late, wherever it begins") {
  for (const std::uint64_t start :
       std::initializer_list<std::uint64_t>{0, 1, 511 * 8 * ms, 512 * 8 * ms - 1, 98'765'432'123}) {
    for (const std::uint64_t delay : {0ULL, 1ULL, 7ULL, 8ULL, 9ULL, 4087ULL, 4096ULL, 4097ULL,
                                      20'000ULL, 120'000ULL, 2'200'000ULL}) {
      CAPTURE(start);
      CAPTURE(delay);
      TimerWheel wheel(start);
      Probe probe;
      wheel.arm(probe, start, delay);
      const std::uint64_t due = start + delay * ms;
      if (due > start) {
        wheel.advance(due - 1);
        CHECK(probe.count == 0);
      }
      wheel.advance(due + TimerWheel::tick_ns);
      CHECK(probe.count == 1);
      CHECK_FALSE(probe.armed());
    }
  }
}

TEST_CASE("next_ns leads to every deadline without passing it by more than a tick") {
  for (const std::uint64_t delay : {1ULL, 100ULL, 4096ULL, 5000ULL, 60'000ULL, 3'000'000ULL}) {
    CAPTURE(delay);
    std::uint64_t now = 77'777'777'777;
    const std::uint64_t due = now + delay * ms;
    TimerWheel wheel(now);
    Probe probe;
    wheel.arm(probe, now, delay);
    unsigned steps = 0;
    while (probe.count == 0 && steps < 10'000) {
      const std::uint64_t step = wheel.next_ns(now);
      now += step;
      wheel.advance(now);
      ++steps;
    }
    CHECK(probe.count == 1);
    CHECK(now >= due);
    CHECK(now <= due + TimerWheel::tick_ns);
    CHECK(steps <= 2 + delay / 4096 + 2);
  }
}

TEST_CASE("an empty wheel is looked at every few seconds only") {
  TimerWheel wheel(0);
  CHECK(wheel.next_ns(0) >= 4'000 * ms);
}

TEST_CASE("disarming and destroying take a timer out of its list") {
  TimerWheel wheel(0);
  Probe first;
  Probe last;
  {
    Probe middle;
    wheel.arm(first, 0, 50);
    wheel.arm(middle, 0, 50);
    wheel.arm(last, 0, 50);
  }
  first.disarm();
  first.disarm();
  wheel.advance(1000 * ms);
  CHECK(first.count == 0);
  CHECK(last.count == 1);
}

TEST_CASE("arming again replaces the deadline") {
  TimerWheel wheel(0);
  Probe probe;
  wheel.arm(probe, 0, 50);
  wheel.arm(probe, 0, 5000);
  wheel.advance(4999 * ms);
  CHECK(probe.count == 0);
  wheel.advance(5009 * ms);
  CHECK(probe.count == 1);
}

TEST_CASE("a handler may arm its own timer again without starving the wheel") {
  TimerWheel wheel(0);
  std::uint64_t now = 0;
  Probe probe;
  probe.again = &wheel;
  probe.now_ns = &now;
  wheel.arm(probe, now, 0);
  for (now = tick_ms * ms; now <= 100 * tick_ms * ms; now += tick_ms * ms) wheel.advance(now);
  CHECK(probe.count >= 90);
  CHECK(probe.count <= 100);
}

TEST_CASE("property: the wheel agrees with a naive list") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    std::uint64_t now = random() % (1ULL << 50);
    TimerWheel wheel(now);
    std::vector<std::unique_ptr<Probe>> probes;
    std::vector<std::uint64_t> due(50, TimerWheel::never);
    for (std::size_t i = 0; i < due.size(); ++i) probes.push_back(std::make_unique<Probe>());
    for (unsigned step = 0; step < 400; ++step) {
      const std::size_t which = random() % due.size();
      const std::uint64_t scale = 1ULL << (random() % 23);
      if (random() % 4 == 0) {
        probes[which]->disarm();
        due[which] = TimerWheel::never;
      } else {
        const std::uint64_t delay = random() % scale;
        wheel.arm(*probes[which], now, delay);
        due[which] = now + delay * ms;
      }
      now += random() % 3 == 0 ? wheel.next_ns(now) : random() % (scale * ms);
      const std::vector<unsigned> before = [&] {
        std::vector<unsigned> counts;
        for (const auto& probe : probes) counts.push_back(probe->count);
        return counts;
      }();
      wheel.advance(now);
      for (std::size_t i = 0; i < due.size(); ++i) {
        const bool fired = probes[i]->count > before[i];
        if (fired) {
          REQUIRE(due[i] <= now);
          REQUIRE(probes[i]->count == before[i] + 1);
          due[i] = TimerWheel::never;
        } else if (due[i] != TimerWheel::never) {
          REQUIRE(due[i] + TimerWheel::tick_ns > now);
        }
      }
    }
  }
}
