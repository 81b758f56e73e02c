// What membership promises, in simulated clusters under faults: see simulated_cluster.h. The
// sanitized build runs the small ones, explorer-tests all; MILLRACE_SEEDS=100 widens the search.
#include "tests/health/cluster/simulated_cluster.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <numeric>

using namespace millrace::tests;

namespace {

// What is promised, in milliseconds.
constexpr double dead_seen_ms = 2'000;
constexpr double left_seen_ms = 1'000;
constexpr double return_seen_ms = 1'000;
constexpr double agreement_ms = 5'000;  // after the last fault, up to 100 containers

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MILLRACE_SLOW
#endif
#endif
#ifdef MILLRACE_SLOW
constexpr std::size_t simulated_max = 12;
#else
constexpr std::size_t simulated_max = 1'000;
#endif

std::uint64_t seeds(std::uint64_t few) {
  if (const char* wanted = std::getenv("MILLRACE_SEEDS")) {
    return std::strtoull(wanted, nullptr, 10);
  }
  return simulated_max < 100 ? 1 : few;
}

std::vector<std::size_t> sizes(std::initializer_list<std::size_t> all) {
  std::vector<std::size_t> fit;
  std::ranges::copy_if(all, std::back_inserter(fit),
                       [](std::size_t count) { return count <= simulated_max; });
  return fit;
}

std::vector<std::size_t> everybody(const World& world) {
  std::vector<std::size_t> all(world.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

// Told inactive by anybody, but for those in `gone`.
std::size_t wrongly_told(const World& world, const std::vector<std::size_t>& gone) {
  return static_cast<std::size_t>(std::ranges::count_if(world.changes, [&](const auto& change) {
    return change.after == State::inactive && std::ranges::find(gone, change.subject) == gone.end();
  }));
}

// How long the last of the running others took to hold it for inactive, for good.
double last_told_ms(const World& world, std::size_t subject, double since_ms) {
  std::map<std::size_t, double> told;
  for (const World::Change& change : world.changes) {
    if (change.subject == subject && change.after == State::inactive) {
      told[change.observer] = change.at_ms - since_ms;
    }
  }
  double last = 0;
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (i == subject || !world.running(i)) continue;
    if (world.state(i, subject) != State::inactive) return 1e9;
    if (told.contains(i)) last = std::max(last, told[i]);
  }
  return last;
}

// Pairs of which one sees the other otherwise than it is, or is still in doubt.
std::size_t disagreements(const World& world) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < world.size(); ++i) {
    if (!world.running(i)) continue;
    for (std::size_t j = 0; j < world.size(); ++j) {
      if (i == j) continue;
      const Sight sight = world.sight(i, j);
      const State truth = world.running(j) ? State::active : State::inactive;
      count += sight.state == truth && !(world.running(j) && sight.doubted) ? 0 : 1;
    }
  }
  return count;
}

// Runs until all views are true; how long that took.
double time_to_agree_ms(World& world, double limit_ms) {
  const double begun = world.now_ms();
  while (disagreements(world) != 0 && world.now_ms() < begun + limit_ms) world.run(50);
  return disagreements(world) != 0 ? 1e9 : world.now_ms() - begun;
}

}  // namespace

TEST_CASE("membership: a dead or stopped container is told inactive within 2 s, and nobody else") {
  for (const std::size_t count : sizes({2, 3, 10, 100})) {
    for (const double loss : {0.0, 0.1, 0.3}) {
      for (std::uint64_t seed = 1; seed <= seeds(count == 100 ? 1 : 3); ++seed) {
        CAPTURE(count);
        CAPTURE(loss);
        CAPTURE(seed);
        World world({.containers = count, .seed = seed, .loss = loss});
        world.run(1'500);
        world.record(everybody(world));
        const double at_ms = world.now_ms();
        seed % 2 == 0 ? world.kill(0) : world.pause(0);
        world.run(dead_seen_ms + 500);
        CHECK(last_told_ms(world, 0, at_ms) <= dead_seen_ms);
        CHECK(wrongly_told(world, {0}) == 0);
      }
    }
  }
}

TEST_CASE("membership: so it is without the configuration filesystem, by the network alone") {
  for (const std::size_t count : sizes({3, 10, 100})) {
    for (const double loss : {0.0, 0.1}) {
      for (std::uint64_t seed = 1; seed <= seeds(count == 100 ? 1 : 3); ++seed) {
        CAPTURE(count);
        CAPTURE(loss);
        CAPTURE(seed);
        World world({.containers = count, .seed = seed, .loss = loss});
        world.run(1'000);
        world.record(everybody(world));
        for (std::size_t i = 0; i < count; ++i) world.lose_filesystem(i);
        world.run(3'000);
        for (std::size_t i = 1; i < count; ++i) {
          CHECK(world.state(i, 0) == State::active);
          CHECK(world.sight(i, 0).filesystem_lost);
        }
        const double at_ms = world.now_ms();
        world.kill(0);
        world.run(dead_seen_ms + 500);
        CHECK(last_told_ms(world, 0, at_ms) <= dead_seen_ms);
        CHECK(wrongly_told(world, {0}) == 0);
      }
    }
  }
}

TEST_CASE("membership: alive is alive where three datagrams of ten are lost and clocks differ") {
  for (const std::size_t count : sizes({3, 10, 100})) {
    for (std::uint64_t seed = 1; seed <= seeds(1); ++seed) {
      for (const bool filesystem : {true, false}) {
        CAPTURE(count);
        CAPTURE(seed);
        CAPTURE(filesystem);
        World world({.containers = count,
                     .seed = seed,
                     .loss = filesystem ? 0.3 : 0.1,
                     .doubled = 0.1,
                     .late = 0.2,
                     .late_ms_max = 60,
                     .clock_spread = 0.05});
        for (std::size_t i = 0; i < count && !filesystem; ++i) world.lose_filesystem(i);
        world.run(1'000);
        world.record(everybody(world));
        world.run(count == 100 ? 4'000 : 20'000);
        CHECK(wrongly_told(world, {}) == 0);
        CHECK(world.changes.empty());
      }
    }
  }
}

TEST_CASE("membership: cut off from the network but not from its filesystem, it is alive") {
  for (const std::size_t count : sizes({2, 3, 10})) {
    for (std::uint64_t seed = 1; seed <= seeds(3); ++seed) {
      CAPTURE(count);
      CAPTURE(seed);
      World world({.containers = count, .seed = seed});
      world.run(1'000);
      world.record(everybody(world));
      world.cut_off(0);
      world.run(8'000);
      CHECK(wrongly_told(world, {}) == 0);
      CHECK_FALSE(world.sight(1, 0).by_network);
      CHECK(world.sight(1, 0).by_filesystem);
      // Now it dies, and its beat tells.
      const double at_ms = world.now_ms();
      world.kill(0);
      world.run(2'500);
      CHECK(last_told_ms(world, 0, at_ms) <= 2'300);
      CHECK(wrongly_told(world, {0}) == 0);
    }
  }
}

TEST_CASE("membership: who comes back after a pause blames nobody and is active at once") {
  for (const std::size_t count : sizes({2, 3, 10, 50})) {
    for (std::uint64_t seed = 1; seed <= seeds(3); ++seed) {
      for (const double jump_ms : {0.0, 3'600'000.0}) {
        CAPTURE(count);
        CAPTURE(seed);
        World world({.containers = count, .seed = seed, .loss = 0.05});
        world.run(1'500);
        world.pause(0);
        world.run(400 * static_cast<double>(seed * seed));
        world.record(everybody(world));
        const std::uint64_t doubts = world.membership(0).counts().doubts;
        const std::uint32_t incarnation = world.membership(0).incarnation();
        const bool seen_dead = world.state(1, 0) == State::inactive;
        world.resume(0, jump_ms, jump_ms == 0 || seed % 2 == 0);
        world.run(100);
        CHECK(world.membership(0).counts().doubts == doubts);
        CHECK_FALSE(world.membership(0).filesystem_lost());
        if (!seen_dead) CHECK(world.membership(0).incarnation() <= incarnation + 1);
        CHECK(time_to_agree_ms(world, 3'000) <= return_seen_ms);
        world.run(3'000);
        CHECK(wrongly_told(world, {}) == 0);
        CHECK(disagreements(world) == 0);
      }
    }
  }
}

TEST_CASE("membership: a network that is cut between two, or in one direction, kills nobody") {
  for (std::uint64_t seed = 1; seed <= seeds(3); ++seed) {
    for (const bool filesystem : {true, false}) {
      CAPTURE(seed);
      CAPTURE(filesystem);
      World world({.containers = 6, .seed = seed});
      for (std::size_t i = 0; i < 6 && !filesystem; ++i) world.lose_filesystem(i);
      world.run(1'000);
      world.record(everybody(world));
      world.cut(0, 1);
      world.cut(1, 0);
      world.cut(2, 3);
      world.cut(4, 0);
      world.run(10'000);
      CHECK(world.changes.empty());
    }
  }
}

TEST_CASE("membership: halves that can't hear each other live on by their beats, or apart") {
  for (const std::size_t count : sizes({4, 10, 40})) {
    for (std::uint64_t seed = 1; seed <= seeds(2); ++seed) {
      for (const bool filesystem : {true, false}) {
        CAPTURE(count);
        CAPTURE(seed);
        CAPTURE(filesystem);
        World world({.containers = count, .seed = seed, .loss = 0.02});
        for (std::size_t i = 0; i < count && !filesystem; ++i) world.lose_filesystem(i);
        world.run(1'000);
        world.record(everybody(world));
        const auto cut_halves = [&](bool cut) {
          for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t j = 0; j < count; ++j) {
              if ((i < count / 2) != (j < count / 2)) world.cut(i, j, cut);
            }
          }
        };
        cut_halves(true);
        world.run(6'000);
        std::size_t wrong = 0;
        for (const World::Change& change : world.changes) {
          const bool same_half = (change.observer < count / 2) == (change.subject < count / 2);
          wrong += filesystem || same_half ? 1 : 0;
        }
        CHECK(wrong == 0);
        if (!filesystem) CHECK(world.state(0, count - 1) == State::inactive);
        cut_halves(false);
        world.record(everybody(world));
        CHECK(time_to_agree_ms(world, 20'000) <= agreement_ms);
        world.run(3'000);
        CHECK(wrongly_told(world, {}) == 0);
        CHECK(disagreements(world) == 0);
      }
    }
  }
}

TEST_CASE("membership: leaving and starting again, also after its beat was lost") {
  for (const std::size_t count : sizes({2, 3, 10, 50})) {
    for (std::uint64_t seed = 1; seed <= seeds(2); ++seed) {
      for (const bool beat_lost : {false, true}) {
        CAPTURE(count);
        CAPTURE(seed);
        CAPTURE(beat_lost);
        World world({.containers = count, .seed = seed, .loss = 0.05});
        world.run(1'500);
        world.record(everybody(world));
        double at_ms = world.now_ms();
        world.leave(0);
        world.run(3'000);
        CHECK(last_told_ms(world, 0, at_ms) <= left_seen_ms);
        world.restart(0, beat_lost);
        CHECK(time_to_agree_ms(world, 10'000) <= return_seen_ms * 3);
        // At once after its end, and again.
        for (int times = 0; times < 3; ++times) {
          world.restart(0, beat_lost);
          world.run(700);
        }
        CHECK(time_to_agree_ms(world, 10'000) <= return_seen_ms * 3);
        CHECK(wrongly_told(world, {0}) == 0);
        world.run(3'000);
        CHECK(disagreements(world) == 0);
      }
    }
  }
}

TEST_CASE("membership: what each sends and reads does not grow with their number") {
  for (const std::size_t count : sizes({3, 10, 100, 1'000})) {
    CAPTURE(count);
    World world({.containers = count, .seed = 5, .loss = 0.01});
    world.run(400);
    world.forget_traffic();
    world.record({0});
    const double at_ms = world.now_ms();
    world.kill(0);
    const double seconds = count == 1'000 ? 2.1 : 6;
    world.run(seconds * 1'000);
    CHECK(last_told_ms(world, 0, at_ms) <= dead_seen_ms);
    for (std::size_t i = 1; i < count; ++i) {
      const World::Traffic traffic = world.traffic(i);
      CHECK(static_cast<double>(traffic.messages) / seconds < 90);
      CHECK(static_cast<double>(traffic.bytes) / seconds < 25'000);
      CHECK(static_cast<double>(traffic.beats_read) / seconds < 25);
      CHECK(traffic.message_bytes_max <= 1'200);
    }
  }
}

TEST_CASE("membership: strangers get to know each other") {
  for (const std::size_t count : sizes({2, 3, 10, 60})) {
    World world({.containers = count, .seed = 3, .acquainted = false});
    CAPTURE(count);
    CHECK(time_to_agree_ms(world, 20'000) <= agreement_ms);
  }
}

TEST_CASE("membership: whatever happens, in the end every view is true, and nothing flaps") {
  for (std::uint64_t seed = 1; seed <= seeds(4); ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const std::size_t count = 3 + random() % 10;
    World world({.containers = count, .seed = seed, .loss = 0.02});
    world.run(1'000);
    world.record(everybody(world));
    std::size_t faults = 0;
    for (int step = 0; step < 12; ++step) {
      const std::size_t node = random() % count;
      ++faults;
      switch (random() % 10) {
        case 0: world.kill(node); break;
        case 1: world.leave(node); break;
        case 2: world.restart(node, random() % 4 == 0); break;
        case 3:
          if (world.running(node)) world.pause(node);
          break;
        case 4:
          if (world.started(node) && !world.running(node)) world.resume(node);
          break;
        case 5: world.cut_off(node, random() % 2 == 0); break;
        case 6: world.lose_filesystem(node, random() % 2 == 0); break;
        case 7: world.cut(node, random() % count, random() % 2 == 0); break;
        case 8: world.loss = static_cast<double>(random() % 4) / 10; break;
        default: world.restart(node); break;
      }
      world.run(static_cast<double>(random() % 3'000));
    }
    world.loss = 0;
    for (std::size_t i = 0; i < count; ++i) {
      world.cut_off(i, false);
      world.lose_filesystem(i, false);
      for (std::size_t j = 0; j < count; ++j) world.cut(i, j, false);
      if (world.started(i) && !world.running(i)) world.resume(i, 1'000);
    }
    CHECK(time_to_agree_ms(world, 20'000) <= agreement_ms);
    const std::size_t changed = world.changes.size();
    world.run(5'000);
    CHECK(disagreements(world) == 0);
    CHECK(world.changes.size() <= changed + count);  // sampled a little later than agreed
    // At most two states there and two back for each fault and pair.
    CHECK(world.changes.size() <= 4 * faults * count);
  }
}
