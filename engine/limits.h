// Every maximum of the engine, for one shard, in one place. Sizes in bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace millrace::engine::limits {

inline constexpr std::size_t shards_max = 256;

// Rings. The completion queue holds every one-shot operation that connections may have in
// flight (a connection has at most one receive, one send or poll, and one file operation)
// beside the multishots' bursts; what overflows the kernel keeps and delivers later.
inline constexpr unsigned submission_entries = 1024;
inline constexpr unsigned completion_entries = 16 * 1024;
inline constexpr unsigned completions_per_turn = 256;

// Buffers that the kernel picks for multishot receives: heads and small bodies.
inline constexpr std::size_t receive_buffer_bytes = 8 * 1024;
inline constexpr unsigned receive_buffer_count = 1024;  // a power of two
static_assert((receive_buffer_count & (receive_buffer_count - 1)) == 0);

// A stream that holds this much unread stops its receive: TCP pushes back on the peer. Small,
// so that peers who send ahead of a slow answer can't take all receive buffers.
inline constexpr std::size_t stream_backlog_bytes_max = 16 * 1024;

// Buffers for bodies (PUT pieces, reads for sending) and blocks for heads and requests.
inline constexpr std::size_t body_buffer_bytes = 256 * 1024;
inline constexpr std::size_t body_buffer_count = 256;
inline constexpr std::size_t request_block_bytes = 64 * 1024;
inline constexpr std::size_t request_block_count = 4096;

// TLS. What a connection has decrypted and nobody has taken yet lies in one of these blocks; there
// is one for each, so that none waits for it.
inline constexpr std::size_t plain_block_bytes = 8 * 1024;
// Handshakes that one turn of a shard does: each costs 0.1 to 5 ms, by the kind of key, and what
// else is to be done gets its turn between.
inline constexpr unsigned handshakes_per_turn = 4;
// What may wait for room in a connection's socket: one record, or the flights of a handshake with
// the longest chain of certificates.
inline constexpr std::size_t tls_unsent_bytes_max = 128 * 1024;

// Threads for calls that have no ring operation or no form that refuses to wait.
inline constexpr unsigned worker_threads = 4;
// The ring's own workers (io-wq): bounded ones do regular files.
inline constexpr unsigned ring_workers_bounded = 32;
inline constexpr unsigned ring_workers_unbounded = 16;

inline constexpr std::size_t connections_per_shard_max = 16 * 1024;

// The most one shard ever holds in buffers; they are taken from the system as they are needed.
inline constexpr std::size_t plain_block_count = connections_per_shard_max;
inline constexpr std::size_t buffer_bytes_max =
    receive_buffer_bytes * receive_buffer_count + body_buffer_bytes * body_buffer_count +
    request_block_bytes * request_block_count + plain_block_bytes * plain_block_count;
static_assert(buffer_bytes_max <= 480ULL * 1024 * 1024);

}  // namespace millrace::engine::limits
