// Suspicion after a failed sync: how many probes take it back, and what begins the row anew.
#include "health/suspicion.h"

#include <doctest/doctest.h>

#include <vector>

using namespace millrace::health;

namespace {

struct Watch {
  std::vector<ProbeCounts> probes = std::vector<ProbeCounts>(1);
  Suspicion suspicion;

  bool now(bool sync_failed = false) { return suspicion.observe(sync_failed, probes); }
  // One more round of the first probe.
  bool after_round(bool well = true) {
    ++probes[0].rounds;
    if (!well) ++probes[0].rounds_failed;
    return now();
  }
};

}  // namespace

TEST_CASE("suspicion: a row of probes that began after the failure takes it back") {
  Watch watch;
  CHECK_FALSE(watch.now());
  CHECK_FALSE(watch.after_round(false));  // a failed probe has a verdict of its own
  CHECK(watch.now(true));
  CHECK(watch.now());
  for (std::uint64_t round = 0; round < limits::probes_to_trust; ++round) {
    CHECK(watch.after_round());
  }
  CHECK_FALSE(watch.after_round());
  CHECK_FALSE(watch.now());
}

TEST_CASE("suspicion: another failed sync, or a failed probe, begins the row anew") {
  for (const bool by_probe : {false, true}) {
    CAPTURE(by_probe);
    Watch watch;
    CHECK(watch.now(true));
    for (std::uint64_t round = 0; round < limits::probes_to_trust; ++round) {
      CHECK(watch.after_round());
    }
    CHECK((by_probe ? watch.after_round(false) : watch.now(true)));
    for (std::uint64_t round = 0; round < limits::probes_to_trust; ++round) {
      CHECK(watch.after_round());
    }
    CHECK_FALSE(watch.after_round());
  }
}

TEST_CASE("suspicion: every filesystem's probe must be well") {
  Watch watch;
  watch.probes.resize(2);
  CHECK(watch.now(true));
  watch.probes[0].rounds = 100;
  CHECK(watch.now());
  watch.probes[1].rounds = limits::probes_to_trust + 1;
  CHECK_FALSE(watch.now());
}
