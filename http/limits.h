// Every maximum of the HTTP layer, in one place. Sizes in bytes, times in milliseconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::http::limits {

// Request line and head (RFC 9112 section 3). A key of 1,024 bytes is 3 KiB when
// percent-encoded, and a presigned query with a session token takes several more.
inline constexpr std::size_t request_line_bytes_max = 16 * 1024;  // beyond: 414
inline constexpr std::size_t head_bytes_max = 32 * 1024;          // beyond: 431
inline constexpr std::size_t field_bytes_max = 8 * 1024;          // one field: 431
inline constexpr std::size_t field_count_max = 100;               // beyond: 431
static_assert(request_line_bytes_max < head_bytes_max && field_bytes_max < head_bytes_max);

// Chunked request bodies (RFC 9112 section 7.1).
inline constexpr std::size_t chunk_line_bytes_max = 256;             // size and extensions
inline constexpr std::size_t chunk_extensions_bytes_max = 4 * 1024;  // of one body
inline constexpr std::size_t trailer_bytes_max = 8 * 1024;
inline constexpr std::size_t trailer_count_max = 20;

// Deadlines. The head's is absolute from its first byte; a body and a response must make
// progress within every window.
inline constexpr std::uint32_t head_deadline_ms = 20'000;
inline constexpr std::uint32_t idle_deadline_ms = 120'000;
inline constexpr std::uint32_t body_progress_ms = 30'000;
inline constexpr std::uint32_t send_progress_ms = 30'000;
// What a draining server waits for a request on an idle connection: one that is in the kernel's
// queues is not lost.
inline constexpr std::uint32_t drain_idle_ms = 50;

// What an early error reads and drops, so that the client sees the answer and not a reset.
inline constexpr std::size_t linger_bytes_max = 1024 * 1024;
inline constexpr std::uint32_t linger_ms = 2'000;

}  // namespace millrace::http::limits
