// Every maximum of the S3 layer that a client can meet. Sizes in bytes. Sources: "Amazon S3
// multipart upload limits", "Object key naming", "Working with object metadata".
#pragma once

#include "engine/limits.h"
#include "s3/xml/reader.h"

#include <cstddef>
#include <cstdint>

namespace millrace::s3::limits {

inline constexpr std::uint64_t put_bytes_max = 5ULL << 30;        // one PutObject or UploadPart
inline constexpr std::uint64_t copy_bytes_max = 5ULL << 30;       // source of one copy
inline constexpr std::size_t parts_max = 10'000;                  // of an object
inline constexpr std::uint64_t part_bytes_min = 5ULL << 20;       // all parts but the last
inline constexpr std::size_t user_metadata_bytes_max = 2 * 1024;  // names and values together
inline constexpr std::size_t cors_rules_max = 100;
inline constexpr std::size_t cors_id_chars_max = 255;
inline constexpr std::size_t cors_body_bytes_max = 64 * 1024;
// Of a form: all that comes before the file's content, and how many fields.
inline constexpr std::size_t form_fields_bytes_max = 20 * 1024;
inline constexpr std::size_t form_fields_max = 100;
inline constexpr std::size_t object_tags_max = 10;
inline constexpr std::size_t bucket_tags_max = 50;
inline constexpr std::size_t tag_key_chars_max = 128;    // Unicode code points
inline constexpr std::size_t tag_value_chars_max = 256;  // the same
inline constexpr std::size_t xml_body_bytes_max = xml::body_bytes_max;
inline constexpr std::size_t policy_bytes_max = 20 * 1024;  // of a bucket
inline constexpr std::size_t buckets_page_max = 10'000;
// A document of a bucket's settings. The longest is 50 tags of 384 characters of 4 bytes each, in
// XML: 77 KiB.
inline constexpr std::size_t setting_bytes_max = 128 * 1024;
inline constexpr std::uint32_t clock_skew_seconds_max = 15 * 60;

// Of a string to sign and a canonical request in an answer to a wrong signature: each; a longer one
// is left out.
inline constexpr std::size_t signed_text_shown_bytes_max = 8 * 1024;

// Keys of one DeleteObjects that are removed at a time; a removal waits for the disk's syncs.
inline constexpr std::size_t delete_objects_beside_max = 32;

// How long a client of a long operation (CompleteMultipartUpload, copies) waits for the first byte
// of the answer, and then from one sign of life to the next. Clients and proxies give up after 30 s
// or more; what ends before the first of these has an answer like any other, with its own status.
inline constexpr std::uint32_t slow_answer_first_ms = 10'000;
inline constexpr std::uint32_t slow_answer_next_ms = 5'000;

inline constexpr std::size_t client_token_bytes_max = 64;

// Requests of one shard that are served at a time; beyond, 503 SlowDown at once.
inline constexpr std::uint64_t requests_active_max = 2048;
// Copies of one shard within the kernel at a time: the other workers do what else there is.
inline constexpr std::size_t kernel_copies_max = 2;
static_assert(kernel_copies_max < engine::limits::worker_threads);

// Requests of one shard that may wait for a body buffer.
inline constexpr std::size_t buffer_waiters_max = 512;

}  // namespace millrace::s3::limits
