// Decoding of an object's metadata. The frame's digest is checked before anything
// in it is believed, so what follows can only be this version's or a newer form.
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

// Takes values off the front; after one that is not there, failed and zeros.
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}
  bool failed() const { return failed_; }
  Bytes rest() const { return rest_; }

  Bytes bytes(std::uint64_t count) {
    if (count > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  template <class T>
  T value() {
    const Bytes taken = bytes(sizeof(T));
    return taken.empty() ? T{} : format::load<T>(taken.data());
  }
  std::uint64_t varint() {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < format::varint_bytes_max; ++i) {
      const auto byte = value<std::uint8_t>();
      number |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
      if ((byte & 0x80) == 0) return number;
    }
    failed_ = true;
    return 0;
  }

 private:
  Bytes rest_;
  bool failed_ = false;
};

// Takes the head off; what is left are the sections.
engine::Result<Bytes> read_head(Bytes frame, MetadataView& view) {
  namespace shape = format::shape;
  Reader in(frame);
  view.mtime_ns = in.value<std::int64_t>();
  view.id = in.value<ObjectId>();
  const auto form = in.value<std::uint8_t>();
  view.etag.kind = static_cast<EtagKind>(form & shape::etag_kind);
  view.checksum.type = (form & shape::composite) != 0 ? StoredChecksumType::composite
                                                      : StoredChecksumType::full_object;
  view.checksum.algorithm = in.value<StoredChecksum>();
  const auto code = in.value<std::uint8_t>();
  if ((form & ~shape::known) != 0 || view.etag.kind > EtagKind::opaque ||
      view.checksum.algorithm > stored_checksum_last || code >= std::size(format::content_types)) {
    return fail(Errc::unsupported);
  }
  view.size = in.varint();
  view.file_size = (form & shape::has_file_size) != 0 ? in.varint() : view.size;
  const std::uint64_t parts = (form & shape::has_parts) != 0 ? in.varint() : 0;
  view.etag.parts = static_cast<std::uint32_t>(parts);
  if (view.etag.kind == EtagKind::opaque) {
    view.etag.opaque = as_text(in.bytes(in.value<std::uint8_t>()));
  } else {
    view.etag.md5 = in.value<std::array<std::uint8_t, 16>>();
  }
  std::ranges::copy(in.bytes(checksum_value_bytes(view.checksum.algorithm)),
                    reinterpret_cast<std::byte*>(view.checksum.value.data()));
  view.content_type = code == 0 ? as_text(in.bytes(in.varint())) : format::content_types[code];
  if (in.failed() || parts > UINT32_MAX || view.etag.opaque.size() > etag_opaque_bytes_max) {
    return fail(Errc::corrupt);
  }
  return in.rest();
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

// Each known section at most once.
engine::Result<> read_sections(Bytes sections, MetadataView& view, bool& has_owner) {
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
      case Section::sidecar: read = read_reference(section.payload, view); break;
      case Section::owner: read = read_owner(section.payload, view); break;
      default: read = read_optional(section, view); break;
    }
    if (!read) return read;
  }
  has_owner = seen.test(static_cast<std::size_t>(Section::owner));
  return {};
}

}  // namespace

engine::Result<MetadataView> decode(std::span<const std::byte> attribute) {
  const auto body = format::open_frame(attribute, format::attribute_magic);
  if (!body) return std::unexpected(body.error());
  MetadataView view;
  const auto sections = read_head(*body, view);
  if (!sections) return std::unexpected(sections.error());
  bool has_owner = false;
  if (const auto read = read_sections(*sections, view, has_owner); !read) {
    return std::unexpected(read.error());
  }
  view.attribute_sections = *sections;
  return view;
}

engine::Result<> decode_sidecar(std::span<const std::byte> sidecar, MetadataView& view) {
  const auto sections = format::open_frame(sidecar, format::sidecar_magic);
  if (!sections) return std::unexpected(sections.error());
  const auto digest =
      format::load<std::uint64_t>(sidecar.data() + sidecar.size() - format::frame_tail_bytes);
  if (!view.sidecar.present || sidecar.size() != view.sidecar.bytes ||
      digest != view.sidecar.digest) {
    return fail(Errc::corrupt);
  }
  bool has_owner = false;
  if (const auto read = read_sections(*sections, view, has_owner); !read) return read;
  if (!has_owner) return fail(Errc::corrupt);
  view.sidecar_sections = *sections;
  view.sidecar.loaded = true;
  return {};
}

}  // namespace millrace::s3::store
