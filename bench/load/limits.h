// Every maximum of the load generator, in one place. Sizes in bytes.
#pragma once

#include "engine/limits.h"

#include <cstddef>
#include <cstdint>

namespace millrace::bench::limits {

inline constexpr unsigned threads_max = 64;
inline constexpr unsigned hosts_max = 64;
inline constexpr unsigned endpoints_max = 64;
inline constexpr unsigned connections_max = 65'536;  // of one host, over all its threads
inline constexpr std::uint64_t objects_max = 100'000'000;
inline constexpr unsigned folders_max = 10'000;
inline constexpr std::uint64_t rate_max = 100'000'000;  // requests a second
inline constexpr std::uint64_t duration_ms_max = 24ULL * 3600 * 1000;
inline constexpr std::size_t seconds_max = 24 * 3600 + 2;  // of the series

inline constexpr std::uint64_t object_bytes_max = 5ULL << 40;  // as S3
inline constexpr std::uint64_t part_bytes_max = 5ULL << 30;
inline constexpr std::uint64_t parts_max = 10'000;
// A key that S3 takes, with room for the folder and the number behind the prefix.
inline constexpr std::size_t prefix_bytes_max = 960;

// What a server may send ahead of a body, and what is kept of a body to read it (an error
// document, the answer of CreateMultipartUpload).
inline constexpr std::size_t response_head_bytes_max = 16 * 1024;
inline constexpr std::size_t kept_body_bytes_max = 4 * 1024;
// An upload up to this size is copied behind its head and leaves in one send.
inline constexpr std::size_t joined_body_bytes_max = 16 * 1024;
// What a discarded body is received into, by all connections of a thread.
inline constexpr std::size_t discard_bytes = 512 * 1024;

// Different errors that are told apart; what comes later is counted as "other".
inline constexpr std::size_t error_kinds_max = 256;

// Between coordinator and agents: settings, or the results of one host.
inline constexpr std::size_t frame_bytes_max = 256U * 1024 * 1024;

}  // namespace millrace::bench::limits
