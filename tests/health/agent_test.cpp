// HAProxy's agent check: the line for each state, and a connection that ends by itself.
#include "health/agent.h"

#include "tests/health/loopback.h"

#include <array>

using namespace millrace;
using health::Reason;

namespace {
std::string line(Reason reason, std::uint64_t requests) {
  std::array<char, 32> area;
  return std::string(health::agent_line({reason, {requests, 100, 0, 0}}, area));
}
}  // namespace

TEST_CASE("the weight falls with the score, and never to nothing") {
  CHECK(line(Reason::ready, 0) == "100% up ready\n");
  CHECK(line(Reason::ready, 25) == "75% up ready\n");
  CHECK(line(Reason::ready, 100) == "1% up ready\n");
  CHECK(line(Reason::draining, 25) == "drain\n");
  for (const Reason reason : {Reason::starting, Reason::shard_stuck, Reason::filesystem_hung,
                              Reason::over_capacity, Reason::view_stale}) {
    CHECK(line(reason, 25) == "down\n");
  }
}

TEST_CASE("the agent port tells one line and closes, whatever it was sent") {
  health::testing::Rig rig;
  rig.options.requests_active_max = 100;
  rig.pages[0].requests_active.set(25);
  rig.start();
  CHECK(health::testing::read_to_end(health::testing::connect_to(rig.agent_port)) == "down\n");
  rig.service->mark_started();
  REQUIRE(rig.becomes("ready\n"));
  CHECK(health::testing::read_to_end(health::testing::connect_to(rig.agent_port)) ==
        "75% up ready\n");
  const auto talker = health::testing::connect_to(rig.agent_port);
  health::testing::send_text(talker, "hello backend1\n");
  CHECK(health::testing::read_to_end(talker) == "75% up ready\n");
  rig.service->drain();
  REQUIRE(rig.becomes("draining\n"));
  CHECK(health::testing::read_to_end(health::testing::connect_to(rig.agent_port)) == "drain\n");
}
