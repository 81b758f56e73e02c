// The frame and sections of the packed attribute, shared by its encoder and its
// decoder only. Values on disk: never renumber. See metadata.h for the layout.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "s3/store/metadata.h"

namespace millrace::s3::store::format {

static_assert(std::endian::native == std::endian::little, "the format is read in place");

inline constexpr std::uint8_t level = 1;
inline constexpr char attribute_magic[3] = {'M', 'R', 'A'};
inline constexpr char sidecar_magic[3] = {'M', 'R', 'S'};
inline constexpr std::size_t frame_head_bytes = 8;
inline constexpr std::size_t frame_tail_bytes = 8;
inline constexpr std::size_t section_head_bytes = 6;
inline constexpr std::uint8_t optional_bit = 0x80;

enum class Section : std::uint8_t {
  head = 1,
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
  return is(Section::head) || is(Section::sidecar) || is(Section::owner) || is(Section::user) ||
         is(Section::tags) || is(Section::parts) || is(Section::blocks) ||
         (id >= static_cast<std::uint8_t>(Section::first_field) &&
          id <= static_cast<std::uint8_t>(Section::last_field));
}

// The head's payload: this, then checksum, opaque ETag and content type.
struct Head {
  std::uint64_t size;
  std::uint64_t file_size;
  std::int64_t mtime_ns;
  std::uint8_t id[16];
  std::uint8_t md5[16];
  std::uint32_t parts;
  std::uint8_t etag_kind;
  std::uint8_t checksum_algorithm;
  std::uint8_t checksum_type;
  std::uint8_t opaque_bytes;
  std::uint16_t content_type_bytes;
  std::uint16_t zero[3];
};
static_assert(sizeof(Head) == 72);

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
