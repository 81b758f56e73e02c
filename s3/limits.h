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
inline constexpr std::size_t policy_bytes_max = 20 * 1024;  // of a bucket
inline constexpr std::size_t buckets_page_max = 10'000;
// A document of a bucket's settings. The longest is 50 tags of 384 characters of 4 bytes each, in
// XML: 77 KiB.
inline constexpr std::size_t setting_bytes_max = 128 * 1024;
inline constexpr std::uint32_t clock_skew_seconds_max = 15 * 60;

// Requests of one shard that are served at a time; beyond, 503 SlowDown at once.
inline constexpr std::uint64_t requests_active_max = 2048;
// Requests of one shard that may wait for a body buffer.
inline constexpr std::size_t buffer_waiters_max = 512;

}  // namespace millrace::s3::limits
