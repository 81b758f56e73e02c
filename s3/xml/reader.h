// The XML bodies of requests. Parsing happens in place: the body is overwritten, and all views
// point into it, so it must outlive the result. Bodies are whole in memory and at most
// body_bytes_max long. Unknown or repeated elements are refused, never ignored: an ignored typo
// would change what a request means. Pure; owned by the request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "s3/error.h"

namespace millrace::s3::xml {

inline constexpr std::size_t body_bytes_max = 2 * 1024 * 1024;
inline constexpr std::size_t delete_objects_max = 1000;
inline constexpr std::uint32_t part_number_max = 10'000;

struct DeleteEntry {
  std::string_view key;  // never empty; its length is not checked
  std::string_view version_id;
  // Conditions of one key; empty where absent.
  std::string_view etag;  // without quotes
  std::string_view last_modified_time;
  std::string_view size;
};

struct DeleteRequest {
  bool quiet = false;
  std::vector<DeleteEntry> objects;  // 1 to delete_objects_max, in the order sent
};

// Base64 as sent, empty where absent, in the order of ChecksumAlgorithm (without none).
inline constexpr std::size_t part_checksum_kinds = 10;
using PartChecksums = std::array<std::string_view, part_checksum_kinds>;

struct CompletedPart {
  std::uint32_t number = 0;  // 1 to part_number_max
  std::string_view etag;     // without quotes
  PartChecksums checksums;
};

struct BucketConfiguration {
  std::string_view location_constraint;  // empty: none given
};

// MalformedXML, or MaxMessageLengthExceeded for a body over the limit.
Outcome<DeleteRequest> parse_delete(std::span<char> body);

// Also InvalidPartOrder where numbers don't ascend, InvalidArgument for one below 1, InvalidPart
// for one above part_number_max. At least one part.
Outcome<std::vector<CompletedPart>> parse_complete(std::span<char> body);

// Also NotImplemented for tags and for directory buckets. An empty body isn't a document: the
// caller takes it as no configuration.
Outcome<BucketConfiguration> parse_bucket_configuration(std::span<char> body);

}  // namespace millrace::s3::xml
