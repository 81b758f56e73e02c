// What a container writes of itself to the configuration filesystem, some times a second, and what
// the others make of it. A beat carries a counter; only its advance, on the observer's own clock,
// says that the container lives: clocks of two hosts are never compared.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::health::cluster {

inline constexpr std::uint64_t beat_every_ms = 500;
inline constexpr std::uint64_t suspect_after_ms = 1'100;   // two beats
inline constexpr std::uint64_t inactive_after_ms = 1'700;  // three

enum class State : std::uint8_t { joining, active, suspect, inactive, draining };
std::string_view state_name(State state);

// What a container says of its own life.
enum class Phase : std::uint8_t {
  joining,  // started, not yet ready for requests
  active,
  draining,  // told to: readiness is off
  left,      // ended in order
};

struct Beat {
  std::string name;
  std::string epoch;  // random for each process: a restart is not an advance
  std::uint64_t counter = 0;
  std::uint32_t run = 0;          // counts the name's processes; 0 of a beat that has none
  std::uint32_t incarnation = 0;  // of the run, as told by the network (gossip.h)
  Phase phase = Phase::joining;
  std::string reason;  // why it is not ready for requests, or "ready"
  std::string host;
  std::vector<std::string> endpoints;
  std::vector<std::string> health_endpoints;
  std::string version;
  std::uint64_t uptime_s = 0;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;  // answers of 500 and more
  double score = 0;
  std::uint64_t generation = 0;  // of the cluster document whose settings it serves by
  unsigned feature_level = 0;    // the highest that its version knows
  std::string notice;            // what it is about to do, as "waits for a to start again"
  std::string last_failure;      // what it last saw go wrong with its filesystems; empty: nothing
  // Others that it hears over the network, and that have lost the configuration filesystem; so many
  // at most.
  std::vector<std::string> heard_only;
};
inline constexpr std::size_t heard_only_max = 64;

// A JSON object with a digest, since a reader may meet it half written.
std::string beat_text(const Beat& beat);
std::expected<Beat, std::string> parse_beat(std::string_view text);

// What one observer knows of another container's life. Times are the observer's, monotonic.
class Liveness {
 public:
  // The beat that was read at this time; null where there was none, or it was torn.
  void observe(const Beat* beat, std::uint64_t now_ns);
  // The observer itself was away (paused, or its filesystem hung): silence begins anew.
  void pardon(std::uint64_t now_ns);
  State state(std::uint64_t now_ns) const;
  // Whether a beat has been seen to advance since the observer began.
  bool advanced() const { return advanced_; }

 private:
  std::string epoch_;
  std::uint64_t counter_ = 0;
  std::uint64_t heard_ns_ = 0;  // of the last advance; at first, of the first look
  Phase phase_ = Phase::left;
  bool seen_ = false;
  bool advanced_ = false;
};

}  // namespace millrace::health::cluster
