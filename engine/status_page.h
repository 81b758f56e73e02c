// What a shard publishes of itself: counters with one writer (the shard) and any number of
// readers, who wait for nobody. Values are read one by one: a page is not a snapshot.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace millrace::engine {

// Written by one thread only, so an increment needs no locked instruction.
class Counter {
 public:
  void add(std::uint64_t amount = 1) { set(get() + amount); }
  void subtract(std::uint64_t amount = 1) { set(get() - amount); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Latencies in powers of two from 16 us: bucket i counts what took less than 16 us << i; the
// last bucket takes the rest.
class Histogram {
 public:
  static constexpr std::size_t bucket_count = 22;  // the last bound is 33 s

  static constexpr std::uint64_t bound_us(std::size_t bucket) { return 16ULL << bucket; }

  void record(std::uint64_t us) {
    const auto bucket = static_cast<std::size_t>(std::bit_width(us / 16));
    buckets_[bucket < bucket_count ? bucket : bucket_count].add();
    sum_us_.add(us);
  }
  std::uint64_t count(std::size_t bucket) const { return buckets_[bucket].get(); }
  std::uint64_t sum_us() const { return sum_us_.get(); }

 private:
  std::array<Counter, bucket_count + 1> buckets_;
  Counter sum_us_;
};

// One kind of request; what it is called is known to whoever made the pages.
struct OperationCounters {
  Counter requests;
  Counter client_errors;  // answered 4xx
  Counter server_errors;  // answered 5xx
  Counter bytes_in;
  Counter bytes_out;
  Histogram latency;
};

struct alignas(64) StatusPage {
  static constexpr std::size_t operations_max = 128;

  Counter heartbeat_ns;  // monotonic clock at the loop's last turn
  Counter turns;
  Counter busy_ns;  // time spent outside waiting
  Counter connections;
  Counter connections_accepted;
  Counter connections_refused;    // over the limit, closed at once
  Counter connections_reset;      // ended by RST after an error whose input was not read out
  Counter tls_handshakes;         // that ended well
  Counter tls_handshakes_failed;  // refused by either side, or not TLS at all
  Counter requests_active;
  Counter receive_starved;  // a stream wanted a receive buffer when none was left
  Counter body_buffers_in_use;
  Counter buffer_waiters;
  Counter log_lines_dropped;
  Counter sync_failures;      // fsync and its like: what was to be durable may not be
  Counter objects_kept;       // open for their next read
  Counter objects_kept_hits;  // reads that found theirs so, and unchanged
  std::array<OperationCounters, operations_max> operations;
};

}  // namespace millrace::engine
