// The small files of uploads: the upload's own record, receipts of parts, and the memory of what
// was completed. All in one frame: magic (3 bytes), level (1), length of all (4), sections, and
// XXH3-64 of everything before it, as in metadata.h; unknown sections above 127 are passed over.
// Values; no thread owns them.
#pragma once

#include "s3/digest/checksum.h"
#include "s3/store/metadata.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3::store::uploads {

inline constexpr std::size_t record_bytes_max = 128 * 1024;
inline constexpr std::size_t receipt_bytes_max = 16 * 1024;  // of a part of 5 GiB: 10.5 KiB

// What CreateMultipartUpload said. Views point into `bytes`.
struct UploadRecord {
  UploadRecord() = default;
  UploadRecord(UploadRecord&&) = default;  // a vector's bytes stay where they are
  UploadRecord& operator=(UploadRecord&&) = default;

  std::int64_t created_ms = 0;
  // The object's, if an assembly file becomes it: fixed, so that a Complete that is repeated
  // writes the same attribute again.
  std::array<std::uint8_t, 16> object_id{};
  std::string_view key;
  std::string_view initiator;
  std::string_view owner;
  MetadataView object;               // content type, fields, user metadata, tags, kind of checksum
  bool checksum_by_default = false;  // CreateMultipartUpload named no kind
  std::vector<std::byte> bytes;

  ChecksumAlgorithm algorithm() const {
    return static_cast<ChecksumAlgorithm>(object.checksum.algorithm);
  }
};
static_assert(static_cast<int>(ChecksumAlgorithm::crc32) ==
              static_cast<int>(StoredChecksum::crc32));
static_assert(static_cast<int>(ChecksumAlgorithm::xxhash128) ==
              static_cast<int>(stored_checksum_last));

// Fills in record.bytes. too_large, malformed.
engine::Result<> encode_upload(UploadRecord& record);
// corrupt, unsupported.
engine::Result<UploadRecord> decode_upload(std::vector<std::byte> bytes);

struct Receipt {
  std::uint32_t part = 0;
  std::uint64_t size = 0;
  std::int64_t acknowledged_ms = 0;
  std::array<std::uint8_t, 16> md5{};
  ChecksumValue checksum;
  std::vector<std::uint64_t> blocks;  // XXH3-64 of each block_bytes
  // Where it is: in the slot `part` of assembly.SLOT_BYTES; 0: in part.N.OWN_ID.
  std::uint64_t slot_bytes = 0;
  std::array<std::uint8_t, 16> own_id{};
};
std::vector<std::byte> encode_receipt(const Receipt& receipt);
engine::Result<Receipt> decode_receipt(std::span<const std::byte> bytes);

struct CompletedRecord {
  std::string key;
  std::uint64_t size = 0;
  std::uint32_t parts = 0;
  std::array<std::uint8_t, 16> md5{};
  ObjectChecksum checksum;
};
std::vector<std::byte> encode_completed(const CompletedRecord& record);
engine::Result<CompletedRecord> decode_completed(std::span<const std::byte> bytes);

}  // namespace millrace::s3::store::uploads
