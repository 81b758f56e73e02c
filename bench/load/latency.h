// Latencies counted in buckets whose width grows with the value (as HdrHistogram's): 128 for each
// doubling, so that a quantile is at most 1/128 above the true one. Owned by one thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace millrace::bench {

class Latencies {
 public:
  // What a bucket spans at the most, divided by what is in it.
  static constexpr double relative_error = 1.0 / 128;

  Latencies() : counts_(bucket_count) {}

  void record(std::uint64_t ns) {
    ++counts_[bucket_of(ns)];
    ++count_;
    sum_ns_ += static_cast<double>(ns);
    if (ns < min_ns_) min_ns_ = ns;
    if (ns > max_ns_) max_ns_ = ns;
  }
  void merge(const Latencies& other);
  void clear();

  std::uint64_t count() const { return count_; }
  std::uint64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
  std::uint64_t max_ns() const { return max_ns_; }
  double mean_ns() const { return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_); }
  // The least bucket's end such that the share `quantile` (0 to 1) of all is not above it; never
  // above the greatest value. 0 when there is none.
  std::uint64_t quantile_ns(double quantile) const;

  // All that is in it, for keeping and for the wire.
  struct Packed {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> buckets;  // number, count; ascending
    std::uint64_t min_ns = 0;
    std::uint64_t max_ns = 0;
    double sum_ns = 0;
  };
  Packed pack() const;
  // What another host sent; a bucket that doesn't exist is passed over.
  void merge(const Packed& packed);

  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns < fine_count) return static_cast<std::size_t>(ns);
    if (ns > limit_ns) ns = limit_ns;
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - fine_bits;
    return ((std::size_t{shift} + 1) << fine_bits) + static_cast<std::size_t>(ns >> shift) -
           fine_count;
  }
  // The greatest value that falls into the bucket.
  static std::uint64_t bucket_end_ns(std::size_t bucket) {
    if (bucket < fine_count) return bucket;
    const auto shift = static_cast<unsigned>(bucket >> fine_bits) - 1;
    const std::uint64_t fine = (bucket & (fine_count - 1)) + fine_count;
    return ((fine + 1) << shift) - 1;
  }

 private:
  static constexpr unsigned fine_bits = 7;
  static constexpr std::size_t fine_count = std::size_t{1} << fine_bits;
  static constexpr unsigned value_bits = 43;  // 2.4 hours; what is longer counts as that
  static constexpr std::uint64_t limit_ns = (1ULL << value_bits) - 1;
  static constexpr std::size_t bucket_count = (value_bits - fine_bits + 1) << fine_bits;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t min_ns_ = ~0ULL;
  std::uint64_t max_ns_ = 0;
  double sum_ns_ = 0;
};

}  // namespace millrace::bench
