// What CompleteMultipartUpload decides, without I/O: whether the listed parts are the stored ones,
// what the object's ETag, size and checksum are, and whether an assembly file already is the
// object. Values; no thread owns them.
#pragma once

#include "s3/store/uploads/layout.h"

namespace millrace::s3::store::uploads {

struct StoredPart {
  Receipt receipt;
  std::uint32_t sequence = 0;
};

// Whether a list may leave out its parts' checksums.
enum class PartChecksums : std::uint8_t { optional, required };

// invalid_part, checksum_missing, entity_too_small. parts[i] is the newest receipt of listed[i].
UploadResult<> check_parts(std::span<const ListedPart> listed, std::span<const StoredPart> parts,
                           PartChecksums checksums);

struct Summary {
  Etag etag;
  std::uint64_t size = 0;
  ObjectChecksum checksum;
};
Summary summarize(std::span<const StoredPart> parts, ChecksumAlgorithm algorithm,
                  StoredChecksumType type);

// The MD5 of the listed ETags, which is the object's; nothing if they are no MD5s.
std::optional<Md5::Digest> etag_of_list(std::span<const ListedPart> listed);

enum class Way : std::uint8_t {
  publish,        // the assembly file is the object
  relocate_last,  // it would be, if the last part were in its slot
  copy,
};
struct Decision {
  Way way = Way::copy;
  std::uint64_t slot_bytes = 0;  // of the assembly, unless `copy`
  bool operator==(const Decision&) const = default;
};
// Rule 2 of layout.h. `claims` were read after the upload was closed, for `publish` to hold.
Decision decide(std::span<const StoredPart> parts, std::span<const Claim> claims);

// The object's part table and block digests, packed; the result's views point into `bytes`
// and `digests`.
struct Tables {
  std::vector<std::byte> bytes;
  std::vector<std::uint64_t> digests;
  engine::Result<> fill(std::span<const StoredPart> parts, ChecksumAlgorithm algorithm,
                        MetadataView& object);
};

}  // namespace millrace::s3::store::uploads
