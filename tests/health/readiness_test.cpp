// Readiness and score as a table: what holds on the left, what is told on the right.
#include "health/readiness.h"

#include "health/view.h"

#include <doctest/doctest.h>

#include <vector>

using namespace millrace::health;

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t now_ns = 100 * second_ns;
constexpr FilesystemState ok = FilesystemState::ok;

struct Row {
  const char* what;
  Reason expected;
  bool started = true;
  bool draining = false;
  std::vector<std::uint64_t> ages_ms = {0, 400};  // of heartbeats
  std::vector<FilesystemState> filesystems = {ok};
  std::uint64_t requests = 10;  // of 100
  bool was_over = false;
  Policy policy = {};
  std::uint64_t resumed_ns = 0;
  bool suspect = false;
};

Readiness judge_row(const Row& row) {
  std::vector<std::uint64_t> heartbeats;
  for (const auto age : row.ages_ms) heartbeats.push_back(now_ns - age * 1'000'000);
  std::vector<Verdict> verdicts;
  for (const auto state : row.filesystems) verdicts.push_back({.state = state});
  return judge({.now_ns = now_ns,
                .resumed_ns = row.resumed_ns,
                .started = row.started,
                .draining = row.draining,
                .was_over_capacity = row.was_over,
                .heartbeats_ns = heartbeats,
                .filesystems = verdicts,
                .suspect = row.suspect,
                .load = {.requests_active = row.requests, .requests_max = 100}},
               row.policy);
}

using F = FilesystemState;
const Policy at_half{.capacity_threshold = 0.5};
const Row rows[] = {
    {"all is well", Reason::ready},
    {"not started", Reason::starting, false},
    {"draining", Reason::draining, true, true},
    {"draining before it has started", Reason::draining, false, true},
    {"a heartbeat of exactly 2 s", Reason::ready, true, false, {2000}},
    {"a heartbeat older than 2 s", Reason::shard_stuck, true, false, {0, 2001}},
    {"a shard that has never turned", Reason::starting, true, false, {0, 100'000}},
    {"stuck hides the filesystem", Reason::shard_stuck, true, false, {3000}, {F::hung}},
    {"no filesystem", Reason::ready, true, false, {0}, {}},
    {"not probed yet", Reason::starting, true, false, {0}, {F::unknown}},
    {"hung", Reason::filesystem_hung, true, false, {0}, {ok, F::hung}},
    {"failed", Reason::filesystem_failed, true, false, {0}, {F::failed, ok}},
    {"hung is told before failed", Reason::filesystem_hung, true, false, {0}, {F::failed, F::hung}},
    {"read-only", Reason::filesystem_read_only, true, false, {0}, {F::read_only}},
    {"read-only by policy",
     Reason::ready,
     true,
     false,
     {0},
     {F::read_only},
     10,
     false,
     {.ready_when_read_only = true}},
    {"full", Reason::ready, true, false, {0}, {F::full}},
    {"full by policy",
     Reason::filesystem_full,
     true,
     false,
     {0},
     {F::full},
     10,
     false,
     {.ready_when_full = false}},
    {"saturated, no threshold", Reason::ready, true, false, {0}, {ok}, 500},
    {"at the threshold", Reason::ready, true, false, {0}, {ok}, 50, false, at_half},
    {"above the threshold", Reason::over_capacity, true, false, {0}, {ok}, 51, false, at_half},
    {"hardly better", Reason::over_capacity, true, false, {0}, {ok}, 46, true, at_half},
    {"much better", Reason::ready, true, false, {0}, {ok}, 45, true, at_half},
    {"a filesystem before the load",
     Reason::filesystem_hung,
     true,
     false,
     {0},
     {F::hung},
     90,
     false,
     at_half},
    {"all were paused until now",
     Reason::ready,
     true,
     false,
     {9000},
     {ok},
     10,
     false,
     {},
     now_ns - second_ns},
    {"paused, but long ago",
     Reason::shard_stuck,
     true,
     false,
     {9000},
     {ok},
     10,
     false,
     {},
     now_ns - 3 * second_ns},
    {"a sync failed",
     Reason::filesystem_suspect,
     true,
     false,
     {0},
     {ok},
     90,
     false,
     at_half,
     0,
     true},
    {"failed is told before suspect",
     Reason::filesystem_failed,
     true,
     false,
     {0},
     {F::failed},
     10,
     false,
     {},
     0,
     true},
};

}  // namespace

TEST_CASE("readiness: every reason, and which one is told") {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Readiness result = judge_row(row);
    CHECK(reason_text(result.reason) == reason_text(row.expected));
    CHECK(result.ready() == (row.expected == Reason::ready));
  }
}

TEST_CASE("a heartbeat from after the reading of the clock is young") {
  const std::uint64_t heartbeat = now_ns + 5 * second_ns;
  CHECK(judge({.now_ns = now_ns, .started = true, .heartbeats_ns = {&heartbeat, 1}}, {}).ready());
}

TEST_CASE("the score is the larger of requests and memory, from 0 to 1") {
  CHECK(score({}) == 0.0);
  CHECK(score({1500, 2048, 1473, 4096}) == doctest::Approx(0.7324).epsilon(0.001));
  CHECK(score({10, 2048, 1024, 4096}) == doctest::Approx(0.25));
  CHECK(score({5000, 2048, 0, 0}) == 1.0);
  CHECK(score({5000, 0, 1, 2}) == doctest::Approx(0.5));
}

TEST_CASE("a view that nobody refreshes turns stale") {
  View view;
  CHECK(view.read(now_ns).reason == Reason::starting);
  view.publish({Reason::ready, {1, 2, 3, 4}}, now_ns);
  const auto fresh = view.read(now_ns + limits::view_age_max_ns);
  CHECK(fresh.ready());
  CHECK(fresh.load.memory_max_bytes == 4);
  CHECK(view.read(now_ns + limits::view_age_max_ns + 1).reason == Reason::view_stale);
}

TEST_CASE("a view knows since when it is not ready, whatever the reasons since") {
  View view;
  view.publish({Reason::starting, {}}, now_ns);
  CHECK(view.read(now_ns).not_ready_since_ns == now_ns);
  view.publish({Reason::ready, {}}, now_ns + 1);
  CHECK(view.read(now_ns).not_ready_since_ns == 0);
  view.publish({Reason::filesystem_hung, {}}, now_ns + 2);
  view.publish({Reason::draining, {}}, now_ns + 3);
  CHECK(view.read(now_ns).not_ready_since_ns == now_ns + 2);
}
