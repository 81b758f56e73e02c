// Every maximum of the S3 layer that a client can meet. Sizes in bytes. Sources: "Amazon S3
// multipart upload limits", "Object key naming", "Working with object metadata".
#pragma once

#include "s3/xml/reader.h"

#include <cstddef>
#include <cstdint>

namespace millrace::s3::limits {

inline constexpr std::uint64_t put_bytes_max = 5ULL << 30;        // one PutObject or UploadPart
inline constexpr std::uint64_t part_bytes_min = 5ULL << 20;       // all parts but the last
inline constexpr std::size_t user_metadata_bytes_max = 2 * 1024;  // names and values together
inline constexpr std::size_t xml_body_bytes_max = xml::body_bytes_max;
inline constexpr std::uint32_t clock_skew_seconds_max = 15 * 60;

// Keys of one DeleteObjects that are removed at a time; a removal waits for the disk's syncs.
inline constexpr std::size_t delete_objects_beside_max = 32;

inline constexpr std::size_t client_token_bytes_max = 64;

// Requests of one shard that are served at a time; beyond, 503 SlowDown at once.
inline constexpr std::uint64_t requests_active_max = 2048;
// Requests of one shard that may wait for a body buffer.
inline constexpr std::size_t buffer_waiters_max = 512;

}  // namespace millrace::s3::limits
