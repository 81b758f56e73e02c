// Encoding of an object's metadata, and the packing of its tables. Runs on the
// worker that publishes the object; the sidecar's vector is the only allocation.
#include "s3/store/metadata.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "engine/check.h"
#include "s3/store/metadata_format.h"

namespace millrace::s3::store {
namespace {

using engine::Errc;
using format::Section;

constexpr char hex_digits[] = "0123456789abcdef";

// Writes what fits and counts everything, so that a dry run gives the size.
class Writer {
 public:
  explicit Writer(std::span<std::byte> out) : out_(out) {}
  std::size_t used() const { return used_; }

  void bytes(const void* from, std::size_t count) {
    if (count != 0 && used_ <= out_.size() && count <= out_.size() - used_) {
      std::memcpy(out_.data() + used_, from, count);
    }
    used_ += count;
  }
  template <class T>
  void value(const T& from) {
    bytes(&from, sizeof from);
  }
  void varint(std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) value(static_cast<std::uint8_t>(number | 0x80));
    value(static_cast<std::uint8_t>(number));
  }
  void section_head(std::uint8_t id, std::size_t length) {
    value(id);
    value(format::level);
    value(static_cast<std::uint32_t>(length));
  }
  void section(Section id, const void* from, std::size_t count) {
    section_head(static_cast<std::uint8_t>(id), count);
    bytes(from, count);
  }

 private:
  std::span<std::byte> out_;
  std::size_t used_ = 0;
};

// What goes where, tried in this order.
enum class Layout { all_in_attribute, cold_in_sidecar, all_but_head_in_sidecar };

bool limits_hold(const MetadataView& view) {
  return view.content_type.size() <= content_type_bytes_max &&
         view.etag.opaque.size() <= etag_opaque_bytes_max;
}

bool ranges_hold(const MetadataView& view) {
  return view.etag.kind <= EtagKind::opaque && view.checksum.algorithm <= stored_checksum_last &&
         view.checksum.type <= StoredChecksumType::composite;
}

std::uint8_t content_type_code(std::string_view type) {
  const auto known = std::span(format::content_types).subspan(1);
  const auto found = std::ranges::find(known, type);
  return found == known.end() ? 0 : static_cast<std::uint8_t>(found - known.begin() + 1);
}

void write_head(const MetadataView& view, Writer& out) {
  namespace shape = format::shape;
  const bool opaque = view.etag.kind == EtagKind::opaque;
  const std::uint8_t code = content_type_code(view.content_type);
  auto form = static_cast<std::uint8_t>(view.etag.kind);
  if (view.file_size != view.size) form |= shape::has_file_size;
  if (view.etag.parts != 0) form |= shape::has_parts;
  if (view.checksum.type == StoredChecksumType::composite) form |= shape::composite;
  out.value(view.mtime_ns);
  out.value(view.id);
  out.value(form);
  out.value(view.checksum.algorithm);
  out.value(code);
  out.varint(view.size);
  if (view.file_size != view.size) out.varint(view.file_size);
  if (view.etag.parts != 0) out.varint(view.etag.parts);
  if (opaque) {
    out.value(static_cast<std::uint8_t>(view.etag.opaque.size()));
    out.bytes(view.etag.opaque.data(), view.etag.opaque.size());
  } else {
    out.value(view.etag.md5);
  }
  out.bytes(view.checksum.value.data(), checksum_value_bytes(view.checksum.algorithm));
  if (code != 0) return;
  out.varint(view.content_type.size());
  out.bytes(view.content_type.data(), view.content_type.size());
}

void write_fields(const MetadataView& view, Writer& out) {
  for (std::size_t i = 0; i < field_count; ++i) {
    if (view.fields[i].empty()) continue;
    out.section_head(static_cast<std::uint8_t>(format::optional_bit + 1 + i),
                     view.fields[i].size());
    out.bytes(view.fields[i].data(), view.fields[i].size());
  }
}

void write_table(Section id, std::span<const std::byte> payload, Writer& out) {
  if (!payload.empty()) out.section(id, payload.data(), payload.size());
}

void write_tables(const MetadataView& view, Writer& out) {
  write_table(Section::user, view.user.payload(), out);
  write_table(Section::tags, view.tags.payload(), out);
  write_table(Section::parts, view.parts.payload(), out);
  write_table(Section::blocks, view.blocks.payload(), out);
}

bool writes_section(const MetadataView& view, std::uint8_t id) {
  switch (static_cast<Section>(id)) {
    case Section::user: return !view.user.empty();
    case Section::tags: return !view.tags.empty();
    case Section::parts: return !view.parts.empty();
    case Section::blocks: return !view.blocks.empty();
    default: break;
  }
  return format::known(id) && !view.fields[id - format::optional_bit - 1U].empty();
}

// Sections this version doesn't know, or knows at an older level only. A newer
// form of a field that is now being set gives way to it.
void write_unknown(const MetadataView& view, std::span<const std::byte> sections, Writer& out) {
  format::SectionView section;
  while (format::take_section(sections, section)) {
    if ((section.id & format::optional_bit) == 0) continue;
    if (format::known(section.id)) {
      if (section.level <= format::level || writes_section(view, section.id)) continue;
    }
    out.bytes(section.whole.data(), section.whole.size());
  }
}

void write_frame_head(const char (&magic)[3], Writer& out) {
  out.bytes(magic, sizeof magic);
  out.value(format::level);
}

void write_sidecar_sections(const MetadataView& view, Layout layout, Writer& out) {
  out.section(Section::owner, view.id.data(), view.id.size());
  write_tables(view, out);
  write_unknown(view, view.sidecar_sections, out);
  if (layout == Layout::cold_in_sidecar) return;
  write_fields(view, out);
  write_unknown(view, view.attribute_sections, out);
}

format::SidecarReference write_sidecar(const MetadataView& view, Layout layout,
                                       std::vector<std::byte>& sidecar) {
  Writer counter({});
  write_sidecar_sections(view, layout, counter);
  sidecar.resize(format::frame_head_bytes + counter.used() + format::frame_tail_bytes);
  Writer out(sidecar);
  write_frame_head(format::sidecar_magic, out);
  write_sidecar_sections(view, layout, out);
  const std::uint64_t digest = XXH3_64bits(sidecar.data(), out.used());
  out.value(digest);
  return {sidecar.size(), digest};
}

void write_attribute_sections(const MetadataView& view, Layout layout,
                              const format::SidecarReference& reference, Writer& out) {
  write_head(view, out);
  if (layout != Layout::all_in_attribute) {
    out.section(Section::sidecar, &reference, sizeof reference);
  }
  if (layout == Layout::all_but_head_in_sidecar) return;
  write_fields(view, out);
  write_unknown(view, view.attribute_sections, out);
  if (layout == Layout::cold_in_sidecar) return;
  write_tables(view, out);
  write_unknown(view, view.sidecar_sections, out);
}

std::size_t attribute_bytes(const MetadataView& view, Layout layout) {
  Writer counter({});
  write_attribute_sections(view, layout, {}, counter);
  return format::frame_head_bytes + counter.used() + format::frame_tail_bytes;
}

}  // namespace

engine::Result<EncodedMetadata> encode(const MetadataView& view, std::size_t room_bytes,
                                       std::span<std::byte> attribute,
                                       std::vector<std::byte>& sidecar) {
  CHECK(!view.sidecar.present || view.sidecar.loaded);
  if (!ranges_hold(view)) return engine::fail(Errc::malformed);
  if (!limits_hold(view)) return engine::fail(Errc::too_large);
  const std::size_t room = std::min({room_bytes, attribute.size(), attribute_bytes_max});
  for (const Layout layout :
       {Layout::all_in_attribute, Layout::cold_in_sidecar, Layout::all_but_head_in_sidecar}) {
    const std::size_t total = attribute_bytes(view, layout);
    if (total > room) continue;
    format::SidecarReference reference{};
    sidecar.clear();
    if (layout != Layout::all_in_attribute) reference = write_sidecar(view, layout, sidecar);
    Writer out(attribute);
    write_frame_head(format::attribute_magic, out);
    write_attribute_sections(view, layout, reference, out);
    out.value(static_cast<std::uint64_t>(XXH3_64bits(attribute.data(), out.used())));
    return EncodedMetadata{total, layout != Layout::all_in_attribute};
  }
  return engine::fail(Errc::too_large);
}

std::size_t checksum_value_bytes(StoredChecksum algorithm) {
  switch (algorithm) {
    case StoredChecksum::none: return 0;
    case StoredChecksum::crc32:
    case StoredChecksum::crc32c: return 4;
    case StoredChecksum::crc64nvme:
    case StoredChecksum::xxhash64:
    case StoredChecksum::xxhash3: return 8;
    case StoredChecksum::md5:
    case StoredChecksum::xxhash128: return 16;
    case StoredChecksum::sha1: return 20;
    case StoredChecksum::sha256: return 32;
    case StoredChecksum::sha512: return 64;
  }
  return 0;
}

std::string_view write_etag(const Etag& etag, std::span<char, etag_text_bytes_max> out) {
  if (etag.kind == EtagKind::opaque) {
    const std::size_t count = std::min(etag.opaque.size(), out.size());
    std::copy_n(etag.opaque.data(), count, out.data());
    return {out.data(), count};
  }
  std::size_t used = 0;
  for (const std::uint8_t byte : etag.md5) {
    out[used++] = hex_digits[byte >> 4];
    out[used++] = hex_digits[byte & 15];
  }
  if (etag.kind == EtagKind::md5_of_parts) {
    out[used++] = '-';
    std::uint32_t scale = 1;
    while (etag.parts / scale >= 10) scale *= 10;
    for (; scale > 0; scale /= 10) out[used++] = static_cast<char>('0' + etag.parts / scale % 10);
  }
  return {out.data(), used};
}

std::string_view make_foreign_etag(std::uint64_t inode, std::uint64_t size, std::int64_t mtime_ns,
                                   std::span<char, foreign_etag_bytes> out) {
  const std::uint64_t facts[3] = {inode, size, static_cast<std::uint64_t>(mtime_ns)};
  const XXH128_hash_t hash = XXH3_128bits(facts, sizeof facts);
  for (unsigned i = 0; i < 16; ++i) {
    out[i] = hex_digits[hash.high64 >> (60 - 4 * i) & 15];
    out[17 + i] = hex_digits[hash.low64 >> (60 - 4 * i) & 15];
  }
  out[16] = '-';
  return {out.data(), out.size()};
}

}  // namespace millrace::s3::store
