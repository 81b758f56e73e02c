// What the health shard last found, for whoever answers a health path: plain atomics with one
// writer (the health shard) and any number of readers, who wait for nobody.
// Invariant: every answer on every port comes from here, so no two ports contradict each other
// for longer than a refresh.
#pragma once

#include "health/readiness.h"

#include <atomic>
#include <cstdint>

namespace millrace::health {

class View {
 public:
  struct Snapshot {
    Reason reason = Reason::starting;
    Load load;
    std::uint64_t not_ready_since_ns = 0;  // monotonic; 0: it is ready. Not given to publish()
    bool ready() const { return reason == Reason::ready; }
  };

  // By the health shard.
  void publish(const Snapshot& snapshot, std::uint64_t now_ns) {
    requests_active_.store(snapshot.load.requests_active, std::memory_order_relaxed);
    requests_max_.store(snapshot.load.requests_max, std::memory_order_relaxed);
    memory_bytes_.store(snapshot.load.memory_bytes, std::memory_order_relaxed);
    memory_max_bytes_.store(snapshot.load.memory_max_bytes, std::memory_order_relaxed);
    if (snapshot.ready()) {
      not_ready_since_ns_.store(0, std::memory_order_relaxed);
    } else if (not_ready_since_ns_.load(std::memory_order_relaxed) == 0) {
      not_ready_since_ns_.store(now_ns, std::memory_order_relaxed);
    }
    reason_.store(snapshot.reason, std::memory_order_release);
    published_ns_.store(now_ns, std::memory_order_release);
  }

  // Any thread; `now_ns` is monotonic. The reason is view_stale when nobody has published for
  // limits::view_age_max_ns, starting before the first time.
  Snapshot read(std::uint64_t now_ns) const {
    const std::uint64_t published = published_ns_.load(std::memory_order_acquire);
    Snapshot snapshot;
    snapshot.reason = reason_.load(std::memory_order_acquire);
    snapshot.load = {requests_active_.load(std::memory_order_relaxed),
                     requests_max_.load(std::memory_order_relaxed),
                     memory_bytes_.load(std::memory_order_relaxed),
                     memory_max_bytes_.load(std::memory_order_relaxed)};
    snapshot.not_ready_since_ns = not_ready_since_ns_.load(std::memory_order_relaxed);
    if (published != 0 && now_ns > published + limits::view_age_max_ns) {
      snapshot.reason = Reason::view_stale;
    }
    return snapshot;
  }

 private:
  std::atomic<Reason> reason_{Reason::starting};
  std::atomic<std::uint64_t> published_ns_{0};
  std::atomic<std::uint64_t> not_ready_since_ns_{0};
  std::atomic<std::uint64_t> requests_active_{0};
  std::atomic<std::uint64_t> requests_max_{0};
  std::atomic<std::uint64_t> memory_bytes_{0};
  std::atomic<std::uint64_t> memory_max_bytes_{0};
};

}  // namespace millrace::health
