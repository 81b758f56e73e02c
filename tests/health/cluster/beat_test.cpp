// Beats as text, and what an observer makes of them as time goes by.
#include "health/cluster/beat.h"

#include <doctest/doctest.h>

using namespace millrace::health::cluster;

namespace {

constexpr std::uint64_t ms = 1'000'000;

Beat beat_of(std::uint64_t counter, const char* epoch = "e1", Phase phase = Phase::active) {
  return {.name = "a", .epoch = epoch, .counter = counter, .phase = phase};
}

// An observer, its clock and what it has seen.
struct Watch {
  Liveness liveness;
  std::uint64_t now_ns = 1'000'000 * ms;  // any

  State after(std::uint64_t elapsed_ms, const Beat* beat) {
    now_ns += elapsed_ms * ms;
    liveness.observe(beat, now_ns);
    return liveness.state(now_ns);
  }
  State after(std::uint64_t elapsed_ms, const Beat& beat) { return after(elapsed_ms, &beat); }
};

}  // namespace

TEST_CASE("beats: the text comes back, and a torn one is refused at every length") {
  Beat beat = beat_of(42);
  beat.endpoints = {"http://10.0.0.1:9000", "http://[::1]:9000"};
  beat.last_failure = "/mnt/\xff: broken";  // no UTF-8
  beat.heard_only = {"b", "c"};
  beat.score = 0.25;
  beat.run = 7;
  beat.incarnation = 3;
  const std::string text = beat_text(beat);
  const auto parsed = parse_beat(text);
  REQUIRE(parsed.has_value());
  CHECK(parsed->counter == 42);
  CHECK(parsed->run == 7);
  CHECK(parsed->incarnation == 3);
  CHECK(parsed->endpoints == beat.endpoints);
  CHECK(parsed->heard_only == beat.heard_only);
  CHECK(parsed->phase == Phase::active);
  CHECK(parsed->score == 0.25);
  for (std::size_t length = 0; length + 1 < text.size(); ++length) {
    CHECK_FALSE(parse_beat(text.substr(0, length)).has_value());
  }
  // A shorter beat over a longer one, before the file is cut.
  const std::string shorter = beat_text(beat_of(43));
  REQUIRE(shorter.size() < text.size());
  CHECK_FALSE(parse_beat(shorter + text.substr(shorter.size())).has_value());
}

TEST_CASE("liveness: alive is who advances while being watched") {
  Watch watch;
  CHECK(watch.after(0, nullptr) == State::inactive);
  CHECK(watch.after(0, beat_of(7)) == State::suspect);  // it may be years old
  CHECK(watch.after(500, beat_of(8)) == State::active);
  CHECK(watch.after(500, beat_of(9, "e1", Phase::draining)) == State::draining);
  CHECK(watch.after(500, beat_of(10, "e1", Phase::joining)) == State::joining);
  CHECK(watch.after(500, beat_of(11, "e1", Phase::left)) == State::inactive);
}

TEST_CASE("liveness: silence is suspect first, then the end") {
  Watch watch;
  watch.after(0, beat_of(1));
  CHECK(watch.after(500, beat_of(2)) == State::active);
  CHECK(watch.after(suspect_after_ms - 1, beat_of(2)) == State::active);
  CHECK(watch.after(1, nullptr) == State::suspect);  // torn, or gone
  CHECK(watch.after(inactive_after_ms - suspect_after_ms, beat_of(2)) == State::inactive);
  CHECK(watch.after(100, beat_of(3)) == State::active);
}

TEST_CASE("liveness: a restarted process has to advance, too") {
  Watch watch;
  watch.after(0, beat_of(100));
  CHECK(watch.after(500, beat_of(101)) == State::active);
  CHECK(watch.after(500, beat_of(1, "e2", Phase::joining)) == State::suspect);
  CHECK(watch.after(500, beat_of(2, "e2")) == State::active);
  // An old beat that a cache brought back is no advance.
  CHECK(watch.after(suspect_after_ms, beat_of(1, "e2")) == State::suspect);
}

TEST_CASE("liveness: an observer that was away itself blames nobody") {
  Watch watch;
  watch.after(0, beat_of(1));
  CHECK(watch.after(500, beat_of(2)) == State::active);
  watch.now_ns += 60'000 * ms;
  watch.liveness.pardon(watch.now_ns);
  CHECK(watch.after(0, beat_of(2)) == State::active);
  CHECK(watch.after(inactive_after_ms, beat_of(2)) == State::inactive);
}
