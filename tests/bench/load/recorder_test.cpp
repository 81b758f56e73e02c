// What counts and what does not: the window's edges, seconds, open loops, and results over the
// wire.
#include "bench/load/recorder.h"
#include "bench/load/arrivals.h"
#include "bench/load/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace millrace::bench;

namespace {

constexpr std::uint64_t ms = 1'000'000;

Done done(std::uint64_t started_ms, std::uint64_t ended_ms) {
  return {.operation = Operation::get,
          .started_ns = started_ms * ms,
          .ended_ns = ended_ms * ms,
          .requests = 1,
          .bytes_received = 100};
}

}  // namespace

TEST_CASE("recorder: only what began and ended in the window counts") {
  Recorder recorder(1, 1000 * ms, 3000 * ms);
  recorder.success(done(900, 1100));   // began in the warm-up
  recorder.success(done(1000, 1010));  // at the very begin
  recorder.success(done(2000, 2999));
  recorder.success(done(2990, 3000));  // ended with the window
  recorder.failure(done(500, 600), "503");
  recorder.failure(done(1500, 1600), "503");
  recorder.failure(done(2000, 3500), "timeout");
  recorder.close();
  const Results& results = recorder.results();
  const Tally total = results.total();
  CHECK(total.operations == 2);
  CHECK(total.errors == 1);
  CHECK(total.bytes_received == 200);
  CHECK(total.latency.count() == 2);
  CHECK(total.latency.max_ns() == 999 * ms);
  CHECK(results.errors_outside == 1);
  CHECK(results.unfinished == 2);
  CHECK(results.unfinished_oldest_ns == 1000 * ms);
  CHECK(results.requests_sent == 7);
  CHECK(results.window_ns == 2000 * ms);
  CHECK(results.errors.at({Operation::get, "503"}) == 1);
}

TEST_CASE("recorder: each second has its own operations, also one without any") {
  Recorder recorder(1, 1000 * ms, 4000 * ms);
  recorder.success(done(1000, 1010));
  recorder.success(done(1020, 1999));
  recorder.success(done(3500, 3600));
  CHECK(recorder.finished_seconds() == 2);
  recorder.close();
  const auto& seconds = recorder.results().seconds;
  REQUIRE(seconds.size() == 3);
  CHECK(seconds[0].operations == 2);
  CHECK(seconds[1].operations == 0);
  CHECK(seconds[2].operations == 1);
  CHECK(seconds[2].bytes == 100);
}

TEST_CASE("recorder: a number of requests ends the window with the last answer") {
  Recorder recorder(1, 1000 * ms, Recorder::no_end);
  recorder.success(done(1000, 1400));
  recorder.cut(1500 * ms, Ending::requests);
  recorder.success(done(1450, 1900));
  recorder.close();
  CHECK(recorder.results().total().operations == 2);
  CHECK(recorder.results().window_ns == 900 * ms + 1);
  CHECK(recorder.results().ending == Ending::requests);
  CHECK(recorder.results().seconds.size() == 1);
}

TEST_CASE("recorder: a server that stalls in an open loop is charged for all who wait") {
  Settings settings;
  settings.rate = 1000;
  // One connection, and a server that answers in 0.1 ms, but for 500 ms from 1 s on.
  Arrivals arrivals(settings, 0, 0);
  Recorder recorder(1, 0, 3000 * ms);
  std::uint64_t now = 0;
  while (arrivals.next_ns() < 3000 * ms) {
    const std::uint64_t due = arrivals.next_ns();
    now = std::max(now, due);
    recorder.start_delay(due, now);
    arrivals.take();
    now += now >= 1000 * ms && now < 1001 * ms ? 500 * ms : ms / 10;
    Done one = done(0, 0);
    one.started_ns = due;
    one.ended_ns = now;
    recorder.success(one);
  }
  recorder.close();
  const Tally total = recorder.results().total();
  CHECK(total.operations == 3000);
  // Some 555 arrivals waited (500 while it stalled, and who came while they were worked off): a
  // closed loop would have seen one.
  CHECK(total.latency.quantile_ns(0.5) < ms);
  CHECK(total.latency.quantile_ns(0.9) > 200 * ms);
  CHECK(total.latency.max_ns() >= 499 * ms);
  CHECK(recorder.results().start_delay.quantile_ns(0.9) > 200 * ms);
}

TEST_CASE("recorder: what was due and never begun is told") {
  Recorder recorder(1, 1000 * ms, 2000 * ms);
  recorder.unstarted(900 * ms);
  recorder.unstarted(1200 * ms);
  recorder.unstarted(1999 * ms);
  recorder.close();
  CHECK(recorder.results().unstarted == 2);
  CHECK(recorder.results().unfinished_oldest_ns == 800 * ms);
}

TEST_CASE("arrivals: threads share the rate, evenly or at random") {
  Settings settings;
  settings.rate = 1000;
  settings.threads = 4;
  std::vector<std::uint64_t> due;
  for (unsigned stream = 0; stream < 4; ++stream) {
    Arrivals arrivals(settings, stream, 5000 * ms);
    for (; arrivals.next_ns() < 6000 * ms; arrivals.take()) due.push_back(arrivals.next_ns());
  }
  std::ranges::sort(due);
  REQUIRE(due.size() == 1000);
  for (std::size_t i = 0; i < due.size(); ++i) CHECK(due[i] == 5000 * ms + i * ms);

  settings.arrival = Arrival::poisson;
  std::uint64_t count = 0;
  std::uint64_t crowded = 0;
  for (unsigned stream = 0; stream < 4; ++stream) {
    std::uint64_t before = 0;
    for (Arrivals a(settings, stream, 0); a.next_ns() < 10'000 * ms; a.take()) {
      ++count;
      crowded += a.next_ns() - before < 2 * ms ? 1 : 0;
      before = a.next_ns();
    }
  }
  CHECK(count > 9500);
  CHECK(count < 10'500);
  // A half of the mean gap: 1 - exp(-1/2) of the gaps are shorter.
  CHECK(static_cast<double>(crowded) / static_cast<double>(count) ==
        doctest::Approx(0.393).epsilon(0.1));
}

TEST_CASE("results: over the wire nothing is lost") {
  Recorder recorder(2, 0, 2000 * ms);
  for (unsigned i = 0; i < 1000; ++i) recorder.success(done(i, i + 1 + i % 50));
  Done other = done(5, 900);
  other.operation = Operation::put;
  other.endpoint = 1;
  recorder.failure(other, "503 SlowDown");
  recorder.success(done(1990, 2100));
  recorder.start_delay(10, 20);
  recorder.close();
  const Results& results = recorder.results();
  const auto json = results_json(results);
  const Results back = results_from_json(nlohmann::ordered_json::parse(json.dump()));
  CHECK(results_json(back) == json);
  Settings settings;
  settings.endpoints = parse_endpoints("http://a:1,http://b:2").value();
  settings.mix = parse_mix("get").value();
  CHECK(report_json(settings, back, "d") == report_json(settings, results, "d"));

  Results twice;
  twice.merge(results);
  twice.merge(back);
  CHECK(twice.total().operations == 2000);
  CHECK(twice.seconds.size() == results.seconds.size());
  CHECK(twice.errors.at({Operation::put, "503 SlowDown"}) == 2);
  CHECK(twice.total().latency.quantile_ns(0.5) == results.total().latency.quantile_ns(0.5));
  CHECK(results_from_json({{"operations", 3}, {"seconds", {1, "x"}}}).window_ns == 0);
}
