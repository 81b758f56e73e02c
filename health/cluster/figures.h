// What the member's and the peers' threads tell the health shard: plain atomics, so that a
// configuration filesystem that hangs holds up nobody.
#pragma once

#include <atomic>
#include <cstdint>

namespace millrace::health::cluster {

struct Figures {
  std::atomic<bool> drained{false};  // this container: readiness is off until it is undrained
  std::atomic<std::uint64_t> generation{0};
  // When the configuration filesystem last answered, monotonic; 0: never.
  std::atomic<std::uint64_t> heard_ns{0};
  // Documents that could not be used: torn, foreign or newer than this build.
  std::atomic<std::uint64_t> faults{0};
  std::atomic<std::uint64_t> beats_read{0};

  // By the peers' thread.
  std::atomic<std::uint64_t> containers{0};  // that the configuration has
  std::atomic<std::uint64_t> containers_active{0};
  std::atomic<std::uint64_t> containers_by_beat_alone{0};  // the network does not reach them
  std::atomic<std::uint64_t> probes{0};
  std::atomic<std::uint64_t> probes_unanswered{0};
  std::atomic<std::uint64_t> doubts{0};       // of others, that began here
  std::atomic<std::uint64_t> refutations{0};  // of doubts of this container
  std::atomic<std::uint64_t> datagrams_sent{0};
  std::atomic<std::uint64_t> datagram_bytes_sent{0};
  std::atomic<std::uint64_t> datagrams_received{0};
  std::atomic<std::uint64_t> datagrams_refused{0};  // not of this cluster, or not of the form
  std::atomic<std::uint64_t> datagrams_stale{0};    // not fresh, or to somebody else
};

}  // namespace millrace::health::cluster
