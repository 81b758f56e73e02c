// Decoding of an object's metadata. The frame's digest is checked before anything
// in it is believed, so what follows can only be this version's or a newer form.
#include <xxhash.h>

#include <algorithm>
#include <bitset>
#include <cstring>

#include "s3/store/metadata.h"
#include "s3/store/metadata_format.h"

namespace millrace::s3::store {
namespace {

using engine::Errc;
using engine::fail;
using format::Section;
using Bytes = std::span<const std::byte>;

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The sections between a frame's head and its digest.
engine::Result<Bytes> open_frame(Bytes frame, const char (&magic)[3]) {
  constexpr std::size_t least = format::frame_head_bytes + format::frame_tail_bytes;
  if (frame.size() < least || std::memcmp(frame.data(), magic, sizeof magic) != 0 ||
      format::load<std::uint32_t>(frame.data() + 4) != frame.size()) {
    return fail(Errc::corrupt);
  }
  const Bytes digested = frame.first(frame.size() - format::frame_tail_bytes);
  if (format::load<std::uint64_t>(digested.data() + digested.size()) !=
      XXH3_64bits(digested.data(), digested.size())) {
    return fail(Errc::corrupt);
  }
  if (static_cast<std::uint8_t>(frame[3]) > format::level) return fail(Errc::unsupported);
  return digested.subspan(format::frame_head_bytes);
}

engine::Result<> read_head(Bytes payload, MetadataView& view) {
  if (payload.size() < sizeof(format::Head)) return fail(Errc::corrupt);
  const auto head = format::load<format::Head>(payload.data());
  view.etag.kind = static_cast<EtagKind>(head.etag_kind);
  view.checksum.algorithm = static_cast<StoredChecksum>(head.checksum_algorithm);
  view.checksum.type = static_cast<StoredChecksumType>(head.checksum_type);
  if (view.etag.kind > EtagKind::opaque || view.checksum.algorithm > stored_checksum_last ||
      view.checksum.type > StoredChecksumType::composite) {
    return fail(Errc::unsupported);
  }
  const std::size_t checksum_bytes = checksum_value_bytes(view.checksum.algorithm);
  const Bytes rest = payload.subspan(sizeof head);
  if (rest.size() != checksum_bytes + head.opaque_bytes + head.content_type_bytes ||
      head.opaque_bytes > etag_opaque_bytes_max) {
    return fail(Errc::corrupt);
  }
  view.size = head.size;
  view.file_size = head.file_size;
  view.mtime_ns = head.mtime_ns;
  std::ranges::copy(head.id, view.id.begin());
  std::ranges::copy(head.md5, view.etag.md5.begin());
  view.etag.parts = head.parts;
  std::memcpy(view.checksum.value.data(), rest.data(), checksum_bytes);
  view.etag.opaque = as_text(rest.subspan(checksum_bytes, head.opaque_bytes));
  view.content_type = as_text(rest.subspan(checksum_bytes + head.opaque_bytes));
  return {};
}

template <class Table>
engine::Result<> read_table(Bytes payload, Table& table) {
  const auto checked = Table::over(payload);
  if (!checked) return fail(Errc::corrupt);
  table = *checked;
  return {};
}

engine::Result<> read_optional(const format::SectionView& section, MetadataView& view) {
  switch (static_cast<Section>(section.id)) {
    case Section::user: return read_table(section.payload, view.user);
    case Section::tags: return read_table(section.payload, view.tags);
    case Section::parts: return read_table(section.payload, view.parts);
    case Section::blocks: return read_table(section.payload, view.blocks);
    default: break;
  }
  view.fields[section.id - format::optional_bit - 1U] = as_text(section.payload);
  return {};
}

engine::Result<> read_reference(Bytes payload, MetadataView& view) {
  if (payload.size() != sizeof(format::SidecarReference)) return fail(Errc::corrupt);
  const auto reference = format::load<format::SidecarReference>(payload.data());
  view.sidecar = {true, false, reference.bytes, reference.digest};
  return {};
}

engine::Result<> read_owner(Bytes payload, const MetadataView& view) {
  if (payload.size() != view.id.size()) return fail(Errc::corrupt);
  if (std::memcmp(payload.data(), view.id.data(), view.id.size()) != 0) return fail(Errc::corrupt);
  return {};
}

// required: the one section that must be there, exactly once.
engine::Result<> read_sections(Bytes sections, Section required, MetadataView& view) {
  std::bitset<256> seen;
  format::SectionView section;
  while (!sections.empty()) {
    if (!format::take_section(sections, section)) return fail(Errc::corrupt);
    const bool understood = format::known(section.id) && section.level <= format::level;
    if (!understood) {
      if ((section.id & format::optional_bit) == 0) return fail(Errc::unsupported);
      continue;
    }
    if (seen.test(section.id)) return fail(Errc::corrupt);
    seen.set(section.id);
    engine::Result<> read;
    switch (static_cast<Section>(section.id)) {
      case Section::head: read = read_head(section.payload, view); break;
      case Section::sidecar: read = read_reference(section.payload, view); break;
      case Section::owner: read = read_owner(section.payload, view); break;
      default: read = read_optional(section, view); break;
    }
    if (!read) return read;
  }
  if (!seen.test(static_cast<std::size_t>(required))) return fail(Errc::corrupt);
  return {};
}

}  // namespace

engine::Result<MetadataView> decode(std::span<const std::byte> attribute) {
  const auto sections = open_frame(attribute, format::attribute_magic);
  if (!sections) return std::unexpected(sections.error());
  MetadataView view;
  if (const auto read = read_sections(*sections, Section::head, view); !read) {
    return std::unexpected(read.error());
  }
  view.attribute_sections = *sections;
  return view;
}

engine::Result<> decode_sidecar(std::span<const std::byte> sidecar, MetadataView& view) {
  const auto sections = open_frame(sidecar, format::sidecar_magic);
  if (!sections) return std::unexpected(sections.error());
  const auto digest =
      format::load<std::uint64_t>(sidecar.data() + sidecar.size() - format::frame_tail_bytes);
  if (!view.sidecar.present || sidecar.size() != view.sidecar.bytes ||
      digest != view.sidecar.digest) {
    return fail(Errc::corrupt);
  }
  if (const auto read = read_sections(*sections, Section::owner, view); !read) return read;
  view.sidecar_sections = *sections;
  view.sidecar.loaded = true;
  return {};
}

}  // namespace millrace::s3::store
