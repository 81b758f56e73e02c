// Latency histograms against a sorted list of the same values.
#include "bench/load/latency.h"

#include "bench/load/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace millrace::bench;

TEST_CASE("latency: every bucket begins where the one before it ended") {
  std::uint64_t next = 0;
  for (std::size_t bucket = 0; bucket < 4000; ++bucket) {
    CHECK(Latencies::bucket_of(next) == bucket);
    const std::uint64_t end = Latencies::bucket_end_ns(bucket);
    CHECK(end >= next);
    CHECK(Latencies::bucket_of(end) == bucket);
    CHECK(static_cast<double>(end - next) <= Latencies::relative_error * static_cast<double>(next));
    next = end + 1;
  }
}

TEST_CASE("latency: quantiles are those of the values, within the bound") {
  Random random(7);
  Latencies latency;
  std::vector<std::uint64_t> values;
  double sum = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    const auto ns = static_cast<std::uint64_t>(50'000 * std::exp(1.5 * random.normal()));
    values.push_back(ns);
    latency.record(ns);
    sum += static_cast<double>(ns);
  }
  std::ranges::sort(values);
  for (const double quantile : {0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(quantile * 100'000));
    const std::uint64_t exact = values[rank == 0 ? 0 : rank - 1];
    CHECK(latency.quantile_ns(quantile) >= exact);
    CHECK(static_cast<double>(latency.quantile_ns(quantile)) <=
          static_cast<double>(exact) * (1 + Latencies::relative_error) + 1);
  }
  CHECK(latency.min_ns() == values.front());
  CHECK(latency.max_ns() == values.back());
  CHECK(latency.quantile_ns(1) == values.back());
  CHECK(latency.mean_ns() == doctest::Approx(sum / 100'000));
}

TEST_CASE("latency: merging, packed or not, is as recording into one") {
  Latencies one;
  Latencies two;
  Latencies both;
  for (std::uint64_t i = 1; i < 5000; ++i) {
    (i % 3 == 0 ? one : two).record(i * i);
    both.record(i * i);
  }
  Latencies merged;
  merged.merge(one.pack());
  merged.merge(two);
  CHECK(merged.count() == both.count());
  CHECK(merged.min_ns() == both.min_ns());
  CHECK(merged.max_ns() == both.max_ns());
  CHECK(merged.mean_ns() == doctest::Approx(both.mean_ns()));
  for (const double quantile : {0.1, 0.5, 0.99}) {
    CHECK(merged.quantile_ns(quantile) == both.quantile_ns(quantile));
  }
}

TEST_CASE("latency: nothing, too much, and a bucket that does not exist") {
  Latencies latency;
  CHECK(latency.quantile_ns(0.5) == 0);
  CHECK(latency.min_ns() == 0);
  latency.merge(Latencies::Packed{.buckets = {{4'000'000'000U, 1}}, .max_ns = 7});
  CHECK(latency.count() == 0);
  latency.record(~0ULL);
  CHECK(latency.max_ns() == ~0ULL);
  CHECK(latency.count() == 1);
}
