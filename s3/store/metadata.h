// The packed attribute `user.millrace`, one per object, and its sidecar (where they
// are: attribute.h, sidecar.h). Bytes on disk, little-endian:
//
//   attribute  "MRA", level (1 byte), head, sections, digest
//   sidecar    "MRS", level (1 byte), sections, digest
//   section    id (1 byte), level (1 byte), length (4 bytes), payload
//   digest     XXH3-64 of everything before it (8 bytes)
//
// The head of a usual object (MD5 ETag, a checksum of up to 8 bytes, a content type
// that has a code, no user metadata) takes at most 64 bytes with its frame: what
// ext4 has room for in an inode of 256 bytes, so that it costs no block of its own.
//
// A section with an id below 128 must be understood, or the object is refused as
// unsupported; one above may be skipped and is kept byte for byte when the
// attribute is written anew. A known section at a newer level counts as unknown.
// The frame (magic, level, digest) is the same at every level, so damage
// and novelty are told apart. Decoding allocates nothing; views point into the
// bytes that were decoded, which must outlive them. No thread owns these values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/error.h"

namespace millrace::s3::store {

inline constexpr const char* metadata_attribute_name = "user.millrace";
inline constexpr std::size_t attribute_bytes_max = 64 * 1024;  // XATTR_SIZE_MAX
inline constexpr std::size_t content_type_bytes_max = 1024;
inline constexpr std::uint64_t block_bytes = 4 * 1024 * 1024;  // what one block digest covers
inline constexpr std::size_t inode_attribute_bytes = 64;       // see above

// Random; with the inode's number it names the object's sidecar.
using ObjectId = std::array<std::uint8_t, 8>;

// Values of the enumerations are on disk: never renumber.
enum class EtagKind : std::uint8_t { md5 = 0, md5_of_parts = 1, opaque = 2 };
inline constexpr std::size_t etag_opaque_bytes_max = 64;

struct Etag {
  EtagKind kind = EtagKind::md5;
  std::uint32_t parts = 0;             // of a multipart object, whatever the kind; else 0
  std::array<std::uint8_t, 16> md5{};  // unless opaque: then not kept
  std::string_view opaque;             // the text, no quotes, etag_opaque_bytes_max
};

inline constexpr std::size_t etag_text_bytes_max = etag_opaque_bytes_max;
// The ETag as clients see it, without its quotes, in out; the view is its text.
std::string_view write_etag(const Etag& etag, std::span<char, etag_text_bytes_max> out);

// For a file that came from outside S3 or changed since its attribute was made:
// two hexadecimal halves with a dash, so that nobody takes it for an MD5.
inline constexpr std::size_t foreign_etag_bytes = 33;
std::string_view make_foreign_etag(std::uint64_t inode, std::uint64_t size, std::int64_t mtime_ns,
                                   std::span<char, foreign_etag_bytes> out);

enum class StoredChecksum : std::uint8_t {
  none = 0,
  crc32 = 1,
  crc32c = 2,
  crc64nvme = 3,
  sha1 = 4,
  sha256 = 5,
  sha512 = 6,
  md5 = 7,
  xxhash64 = 8,
  xxhash3 = 9,
  xxhash128 = 10,
};
inline constexpr StoredChecksum stored_checksum_last = StoredChecksum::xxhash128;
enum class StoredChecksumType : std::uint8_t { full_object = 0, composite = 1 };
inline constexpr std::size_t checksum_bytes_max = 64;
// Length of an algorithm's raw value; 0 for none.
std::size_t checksum_value_bytes(StoredChecksum algorithm);

struct ObjectChecksum {
  StoredChecksum algorithm = StoredChecksum::none;
  StoredChecksumType type = StoredChecksumType::full_object;
  std::array<std::uint8_t, checksum_bytes_max> value{};  // raw, checksum_value_bytes of it
};

// Optional fields that a response sends as they are. On disk as 0x80 + value.
enum class Field : std::uint8_t {
  cache_control = 1,
  content_disposition,
  content_encoding,
  content_language,
  expires,
  website_redirect,
  storage_class,
};
inline constexpr std::size_t field_count = 7;

struct Pair {
  std::string_view name;
  std::string_view value;
};

// Name-value pairs in their packed form, at most 65,535 bytes each.
class PackedPairs {
 public:
  class Iterator {
   public:
    Pair operator*() const;
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class PackedPairs;
    explicit Iterator(const std::byte* at) : at_(at) {}
    const std::byte* at_;
  };

  PackedPairs() = default;
  static std::optional<PackedPairs> over(std::span<const std::byte> payload);  // checks it
  static std::size_t packed_bytes(std::span<const Pair> pairs);
  // Into out, which the result points to. too_large: out, or a pair, is over.
  static engine::Result<PackedPairs> pack(std::span<const Pair> pairs, std::span<std::byte> out);

  bool empty() const { return payload_.empty(); }
  Iterator begin() const { return Iterator(payload_.data()); }
  Iterator end() const { return Iterator(payload_.data() + payload_.size()); }
  std::span<const std::byte> payload() const { return payload_; }

 private:
  std::span<const std::byte> payload_;
};

struct Part {
  std::uint32_t number = 0;
  std::uint64_t size = 0;
  std::span<const std::uint8_t> checksum;  // raw; empty where the table has none
};

// The parts of a multipart object, in order.
class PackedParts {
 public:
  PackedParts() = default;
  static std::optional<PackedParts> over(std::span<const std::byte> payload);
  static std::size_t packed_bytes(std::size_t count, StoredChecksum algorithm);
  // Each part's checksum must have the algorithm's length (malformed otherwise);
  // out must have packed_bytes (too_large).
  static engine::Result<PackedParts> pack(std::span<const Part> parts, StoredChecksum algorithm,
                                          std::span<std::byte> out);

  bool empty() const { return payload_.empty(); }
  std::size_t size() const;
  StoredChecksum algorithm() const;
  Part at(std::size_t index) const;
  std::span<const std::byte> payload() const { return payload_; }

 private:
  std::span<const std::byte> payload_;
};

// XXH3-64 of each block of each part: a part's last block may be short. An object of one block
// whose ETag is its MD5 has none: the ETag tells as much.
class PackedDigests {
 public:
  PackedDigests() = default;
  static std::optional<PackedDigests> over(std::span<const std::byte> payload);
  static PackedDigests of(std::span<const std::uint64_t> digests);  // no copy
  bool empty() const { return payload_.empty(); }
  std::size_t size() const { return payload_.size() / 8; }
  std::uint64_t at(std::size_t index) const;
  std::span<const std::byte> payload() const { return payload_; }

 private:
  std::span<const std::byte> payload_;
};

// What decode gives and encode takes. To change an object's tags: decode, set
// tags to newly packed ones, encode into other memory.
struct MetadataView {
  std::uint64_t size = 0;       // of the object, as clients see it
  std::uint64_t file_size = 0;  // of the file this was made for
  std::int64_t mtime_ns = 0;    // of the file this was made for, since 1970
  ObjectId id{};
  Etag etag;
  ObjectChecksum checksum;
  std::string_view content_type;
  std::array<std::string_view, field_count> fields;
  std::string_view& field(Field which) { return fields[static_cast<std::size_t>(which) - 1]; }
  std::string_view field(Field which) const { return fields[static_cast<std::size_t>(which) - 1]; }

  PackedPairs user;  // names without x-amz-meta-
  PackedPairs tags;
  PackedParts parts;
  PackedDigests blocks;

  struct Sidecar {
    bool present = false;  // the attribute says that there is one
    bool loaded = false;   // and decode_sidecar has read it
    std::uint64_t bytes = 0;
    std::uint64_t digest = 0;
  } sidecar;

  // Where decode found the sections, so that encode can keep unknown ones.
  std::span<const std::byte> attribute_sections;
  std::span<const std::byte> sidecar_sections;

  // Whether this was made for a file that looks so; otherwise it is stale and
  // the file is a foreign one.
  bool made_for(std::uint64_t now_size, std::int64_t now_mtime_ns) const {
    return file_size == now_size && mtime_ns == now_mtime_ns;
  }
};

// Errors: corrupt (damaged, cut short, inconsistent), unsupported (a level or a
// required section this version does not know).
engine::Result<MetadataView> decode(std::span<const std::byte> attribute);
// Adds the sidecar's tables to the view whose attribute named it. Also corrupt
// if it is not the very sidecar that the attribute was made with.
engine::Result<> decode_sidecar(std::span<const std::byte> sidecar, MetadataView& view);

struct EncodedMetadata {
  std::size_t attribute_bytes = 0;
  bool has_sidecar = false;
};

// Writes the attribute to the start of `attribute`, in at most room_bytes. If all
// does not fit there, the cold tables (user metadata, tags, parts, blocks) go to
// the sidecar together, then the optional fields too; only a head over the room
// fails. sidecar is emptied when there is none. The view must not point into
// either output; a view whose sidecar was not loaded must not be encoded
// (CHECKed: it would lose the tables). Errors: too_large (the room is under the
// head, or a text is over its limit), malformed (an enumeration out of range).
engine::Result<EncodedMetadata> encode(const MetadataView& view, std::size_t room_bytes,
                                       std::span<std::byte> attribute,
                                       std::vector<std::byte>& sidecar);

}  // namespace millrace::s3::store
