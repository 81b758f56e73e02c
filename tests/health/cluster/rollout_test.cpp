// The order in which containers start again; and that it always comes to an end.
#include "health/cluster/rollout.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace millrace::health::cluster;

namespace {

constexpr std::uint64_t wanted = 9;

std::string_view waits_for(std::string_view own, const Fellow& other) {
  return restart_waits_for(own, wanted, {&other, 1});
}

}  // namespace

TEST_CASE("rollout: by name, one at a time") {
  const Fellow earlier{
      .name = "a", .state = State::active, .ready = true, .seen = true, .in_force = wanted - 1};
  CHECK(waits_for("b", earlier) == "a");
  CHECK(waits_for("0", earlier).empty());  // it waits for us
  const Fellow done{
      .name = "a", .state = State::active, .ready = true, .seen = true, .in_force = wanted};
  CHECK(waits_for("b", done).empty());
}

TEST_CASE("rollout: who is between two states is waited for, whatever his name") {
  for (const State state : {State::suspect, State::joining, State::draining}) {
    const Fellow other{.name = "z", .state = state, .seen = true, .in_force = wanted};
    CHECK(waits_for("b", other) == "z");
  }
}

TEST_CASE("rollout: only while the others take requests, and it is known who lives") {
  Fellow other{.name = "z", .state = State::active, .seen = true, .in_force = wanted};
  CHECK(waits_for("b", other) == "z");
  other.ready = true;
  CHECK(waits_for("b", other).empty());
  const Fellow unknown{.name = "z", .state = State::inactive, .settled = false};
  CHECK(waits_for("b", unknown) == "z");
}

TEST_CASE("rollout: the dead hold up nobody, unless they died since") {
  Fellow other{.name = "a", .state = State::inactive, .in_force = 1};
  CHECK(waits_for("b", other).empty());
  other.seen = true;
  CHECK(waits_for("b", other) == "a");
}

TEST_CASE("rollout: one that an administrator drained takes its turn as the others") {
  Fellow other{.name = "a", .state = State::draining, .drained = true, .seen = true, .in_force = 1};
  CHECK(waits_for("b", other) == "a");
  CHECK(waits_for("0", other).empty());
  other.in_force = wanted;
  CHECK(waits_for("b", other).empty());
}

TEST_CASE("rollout: comes round, never two at once") {
  struct Container {
    std::string name;
    State state = State::active;
    std::uint64_t in_force = wanted - 1;
  };
  std::vector<Container> all = {{.name = "c"}, {.name = "a"}, {.name = "b"}, {.name = "d"}};
  std::vector<std::string> order;
  for (std::size_t round = 0; round < all.size(); ++round) {
    Container* chosen = nullptr;
    for (Container& own : all) {
      if (own.in_force == wanted) continue;
      std::vector<Fellow> others;
      for (const Container& each : all) {
        if (each.name == own.name) continue;
        others.push_back({.name = each.name,
                          .state = each.state,
                          .ready = true,
                          .seen = true,
                          .in_force = each.in_force});
      }
      if (!restart_waits_for(own.name, wanted, others).empty()) continue;
      CHECK(chosen == nullptr);
      chosen = &own;
    }
    REQUIRE(chosen != nullptr);
    order.push_back(chosen->name);
    chosen->in_force = wanted;
  }
  CHECK(order == std::vector<std::string>{"a", "b", "c", "d"});
}
