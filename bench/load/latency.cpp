// See latency.h.
#include "bench/load/latency.h"

#include <algorithm>
#include <cmath>

namespace millrace::bench {

void Latencies::merge(const Latencies& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  min_ns_ = std::min(min_ns_, other.min_ns_);
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

void Latencies::clear() {
  *this = Latencies();
}

std::uint64_t Latencies::quantile_ns(double quantile) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(quantile * static_cast<double>(count_));
  const auto rank = static_cast<std::uint64_t>(std::max(1.0, wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(bucket_end_ns(i), max_ns_);
  }
  return max_ns_;
}

Latencies::Packed Latencies::pack() const {
  Packed packed{.min_ns = min_ns(), .max_ns = max_ns_, .sum_ns = sum_ns_};
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) packed.buckets.emplace_back(static_cast<std::uint32_t>(i), counts_[i]);
  }
  return packed;
}

void Latencies::merge(const Packed& packed) {
  std::uint64_t added = 0;
  for (const auto& [bucket, count] : packed.buckets) {
    if (bucket >= counts_.size()) continue;
    counts_[bucket] += count;
    added += count;
  }
  if (added == 0) return;
  count_ += added;
  sum_ns_ += packed.sum_ns;
  min_ns_ = std::min(min_ns_, packed.min_ns);
  max_ns_ = std::max(max_ns_, packed.max_ns);
}

}  // namespace millrace::bench
