// An object opened for reading: its descriptor, and everything that is said about it, read from
// that same descriptor, so that ETag and body always belong together. Owned by the request.
#pragma once

#include "engine/file.h"
#include "s3/store/metadata.h"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace millrace::s3::store {

// The room that attributes are written in, so that one small buffer always reads them: what ext4
// keeps of all attributes of a file together.
inline constexpr std::size_t attribute_room_bytes = 3500;

// Since 1970.
std::int64_t nanoseconds_of(const statx_timestamp& time);
// Of STATX_BASIC_STATS; comparable within one boot.
std::uint64_t device_of(const struct statx& status);

struct OpenObject {
  OpenObject() = default;
  OpenObject(const OpenObject&) = delete;  // views point into it
  OpenObject& operator=(const OpenObject&) = delete;

  engine::Descriptor file;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::uint64_t file_size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t changed_ns = 0;  // ctime: of content, attributes or names
  std::uint32_t links = 0;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  // False: no attribute, or one made for another content: what `meta` says was then made up from
  // the file itself (size, ETag from inode, size and mtime, content type from the name).
  bool native = false;
  MetadataView meta;

  std::string_view etag() const { return {etag_text.data(), etag_size}; }
  std::int64_t modified_seconds() const { return mtime_ns / 1'000'000'000; }

  // Keeps what a request for STATX_BASIC_STATS has told.
  void take(const struct statx& status);
  // Whether the same file, with the same content and attributes, has this status.
  bool unchanged(const struct statx& status) const;
  // Whether the other is the same file with the same content; and whether its attribute is the
  // same, too, which tells all that is said of it: a sidecar gets another name when it changes.
  bool same_file(const OpenObject& other) const;
  bool same_version(const OpenObject& other) const;

  std::array<char, etag_text_bytes_max> etag_text;
  std::size_t etag_size = 0;
  // The attribute's bytes: in `attribute`, or where they are more, in `large_attribute`.
  std::array<std::byte, 512> attribute;
  std::vector<std::byte> large_attribute;
  std::span<const std::byte> attribute_read;  // of one of the two; empty: it has none
  std::vector<std::byte> sidecar;
};

// Closes the file of an object that may have lost its last name. Then the filesystem frees its
// blocks and pages, a quarter of a millisecond a MiB: of a large one on a worker, beside.
void let_go(OpenObject& object);

}  // namespace millrace::s3::store
