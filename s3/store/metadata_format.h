// The frame, head and sections of the packed attribute, shared by its encoder and
// its decoder; an upload's records use the frame and sections too. Values on disk:
// never renumber. See metadata.h for the layout.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <xxhash.h>

#include "s3/store/metadata.h"

namespace millrace::s3::store::format {

static_assert(std::endian::native == std::endian::little, "the format is read in place");

inline constexpr std::uint8_t level = 1;
inline constexpr char attribute_magic[3] = {'M', 'R', 'A'};
inline constexpr char sidecar_magic[3] = {'M', 'R', 'S'};
inline constexpr std::size_t frame_head_bytes = 4;
inline constexpr std::size_t frame_tail_bytes = 8;
inline constexpr std::size_t section_head_bytes = 6;
inline constexpr std::uint8_t optional_bit = 0x80;

enum class Section : std::uint8_t {
  sidecar = 2,  // in the attribute: length and digest of the sidecar
  owner = 3,    // in the sidecar: the object's id
  first_field = 0x81,
  last_field = 0x80 + field_count,
  user = 0x90,
  tags = 0x91,
  parts = 0x92,
  blocks = 0x93,
};

constexpr bool known(std::uint8_t id) {
  const auto is = [id](Section s) { return id == static_cast<std::uint8_t>(s); };
  return is(Section::sidecar) || is(Section::owner) || is(Section::user) || is(Section::tags) ||
         is(Section::parts) || is(Section::blocks) ||
         (id >= static_cast<std::uint8_t>(Section::first_field) &&
          id <= static_cast<std::uint8_t>(Section::last_field));
}

// The head, in this order:
//   modification time (8 bytes), id (8), shape (1), checksum algorithm (1), content type (1)
//   size, a varint; the file's size, parts: varints where the shape has them
//   MD5 (16), or the opaque ETag: length (1) and text
//   the checksum's value; where the content type's code is 0: its length, a varint, and text
// A varint has seven bits a byte, the lowest first, the top bit set on all but the last.
namespace shape {
inline constexpr std::uint8_t etag_kind = 0x03;
inline constexpr std::uint8_t has_file_size = 0x04;  // it is not the object's
inline constexpr std::uint8_t has_parts = 0x08;
inline constexpr std::uint8_t composite = 0x10;  // the checksum
inline constexpr std::uint8_t known = 0x1F;
}  // namespace shape
inline constexpr std::size_t varint_bytes_max = 10;

// Content types by their code, so that the usual ones take one byte. Only ever appended to, and
// then with a new level.
inline constexpr std::string_view content_types[] = {
    {},  // the text is in the head
    "binary/octet-stream",
    "application/octet-stream",
    "text/plain",
    "text/html",
    "text/css",
    "text/csv",
    "text/javascript",
    "text/markdown",
    "text/xml",
    "application/json",
    "application/xml",
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/zstd",
    "application/x-tar",
    "application/x-gzip",
    "application/vnd.apache.parquet",
    "application/x-www-form-urlencoded",
    "application/x-directory",
    "application/x-directory; charset=UTF-8",
    "text/plain; charset=utf-8",
    "text/html; charset=utf-8",
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/svg+xml",
    "image/tiff",
    "audio/mpeg",
    "video/mp4",
    "video/mp2t",
    "video/webm",
};

struct SidecarReference {
  std::uint64_t bytes;
  std::uint64_t digest;
};

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// What is between a frame's head and its digest.
inline engine::Result<std::span<const std::byte>> open_frame(std::span<const std::byte> frame,
                                                             const char (&magic)[3]) {
  if (frame.size() < frame_head_bytes + frame_tail_bytes ||
      std::memcmp(frame.data(), magic, sizeof magic) != 0) {
    return engine::fail(engine::Errc::corrupt);
  }
  const auto digested = frame.first(frame.size() - frame_tail_bytes);
  if (load<std::uint64_t>(digested.data() + digested.size()) !=
      XXH3_64bits(digested.data(), digested.size())) {
    return engine::fail(engine::Errc::corrupt);
  }
  if (static_cast<std::uint8_t>(frame[3]) > level) return engine::fail(engine::Errc::unsupported);
  return digested.subspan(frame_head_bytes);
}

struct SectionView {
  std::uint8_t id = 0;
  std::uint8_t level = 0;
  std::span<const std::byte> payload;
  std::span<const std::byte> whole;  // with its head
};

// Takes the first section off; false when what is left holds none.
inline bool take_section(std::span<const std::byte>& rest, SectionView& section) {
  if (rest.size() < section_head_bytes) return false;
  const auto length = load<std::uint32_t>(rest.data() + 2);
  if (length > rest.size() - section_head_bytes) return false;
  section.id = static_cast<std::uint8_t>(rest[0]);
  section.level = static_cast<std::uint8_t>(rest[1]);
  section.payload = rest.subspan(section_head_bytes, length);
  section.whole = rest.first(section_head_bytes + length);
  rest = rest.subspan(section.whole.size());
  return true;
}

}  // namespace millrace::s3::store::format
