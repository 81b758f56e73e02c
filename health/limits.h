// Every maximum and interval of the health layer, in one place. Sizes in bytes, times in
// milliseconds unless the name says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::health::limits {

// The view is computed anew so often: what it adds to every time of detection.
inline constexpr std::uint64_t refresh_ms = 100;
// Resident memory is read every so many refreshes.
inline constexpr unsigned refreshes_per_memory_reading = 10;

// A frontend turns at least every 500 ms, so this is three turns missed.
inline constexpr std::uint64_t heartbeat_age_max_ns = 2'000'000'000;
// A view that is older was left by a health shard that doesn't run any more.
inline constexpr std::uint64_t view_age_max_ns = 5'000'000'000;
// A gap between two refreshes from which on the whole process is taken to have been paused.
inline constexpr std::uint64_t pause_ns_min = 1'000'000'000;
// How long until the next such gap is believed: a shard that is always late excuses nobody.
inline constexpr std::uint64_t pause_rest_ns = 10'000'000'000;

inline constexpr std::uint64_t probe_interval_ms = 1'000;
inline constexpr std::uint64_t probe_deadline_ms = 2'000;
inline constexpr std::uint64_t probe_stop_ms = 500;
// Probes in a row, begun after a failed sync, that clear the filesystem of suspicion.
inline constexpr std::uint64_t probes_to_trust = 5;

inline constexpr std::uint64_t requests_active_max = 2'048;
// Above the threshold until the score is below this part of it again: no flapping.
inline constexpr double capacity_hysteresis = 0.9;

// Connections of the health port. From the crowded number on, the longest idle make room.
inline constexpr std::size_t connections_max = 1'024;
inline constexpr std::size_t connections_crowded = connections_max * 3 / 4;
inline constexpr std::size_t agents_max = 64;
inline constexpr std::uint64_t agent_deadline_ms = 1'000;
static_assert(connections_crowded < connections_max);

// Datagrams of other containers that one turn of the peers' thread takes; and that are thrown away
// when it comes back from a pause.
inline constexpr std::size_t datagrams_per_turn = 256;
inline constexpr std::size_t datagrams_discarded_max = 4'096;
// Beats that one turn of the member's thread (250 ms) reads: of those that the network is silent
// about, of the rest in turn, and of the rest until each was seen twice after the start.
inline constexpr std::size_t beats_wanted_per_turn = 64;
inline constexpr std::size_t beats_in_turn = 4;
inline constexpr std::size_t beats_in_turn_at_first = 64;

// A body of the health paths, JSON included.
inline constexpr std::size_t body_bytes_max = 256;

}  // namespace millrace::health::limits
