// See record.h. Values on disk: never renumber a section.
#include "s3/store/uploads/record.h"

#include "s3/store/metadata_format.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace millrace::s3::store::uploads {

using engine::Errc;
using engine::Result;

namespace {

enum class Section : std::uint8_t {
  head = 1,
  key = 2,
  object = 3,    // an encoded attribute
  checksum = 4,  // raw value
  blocks = 5,
  initiator = 0x81,
  owner = 0x82,
  default_checksum = 0x83,  // empty: there, or not
};

struct UploadHead {
  std::int64_t created_ms;
  std::uint8_t object_id[16];
};
static_assert(sizeof(UploadHead) == 24);

struct ReceiptHead {
  std::uint64_t size;
  std::int64_t acknowledged_ms;
  std::uint64_t slot_bytes;
  std::uint8_t md5[16];
  std::uint8_t own_id[16];
  std::uint32_t part;
  std::uint8_t checksum_algorithm;
  std::uint8_t zero[3];
};
static_assert(sizeof(ReceiptHead) == 64);

struct CompletedHead {
  std::uint64_t size;
  std::uint8_t md5[16];
  std::uint32_t parts;
  std::uint8_t checksum_algorithm;
  std::uint8_t checksum_type;
  std::uint8_t zero[2];
};
static_assert(sizeof(CompletedHead) == 32);

constexpr char upload_magic[3] = {'M', 'R', 'U'};
constexpr char part_magic[3] = {'M', 'R', 'P'};
constexpr char completed_magic[3] = {'M', 'R', 'C'};

class FrameWriter {
 public:
  explicit FrameWriter(const char (&magic)[3]) {
    append(magic, sizeof magic);
    append(&format::level, 1);
  }
  void section(Section id, const void* from, std::size_t count) {
    append(&id, 1);
    append(&format::level, 1);
    const auto length = static_cast<std::uint32_t>(count);
    append(&length, sizeof length);
    append(from, count);
  }
  void section(Section id, std::string_view text) { section(id, text.data(), text.size()); }
  std::vector<std::byte> finish() {
    const std::uint64_t digest = XXH3_64bits(bytes_.data(), bytes_.size());
    append(&digest, sizeof digest);
    return std::move(bytes_);
  }

 private:
  void append(const void* from, std::size_t count) {
    if (count == 0) return;
    const auto* begin = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), begin, begin + count);
  }
  std::vector<std::byte> bytes_;
};

// Calls take(id, payload) -> bool (understood) for each section.
template <class Take>
Result<> read_sections(std::span<const std::byte> sections, Take take) {
  format::SectionView section;
  while (format::take_section(sections, section)) {
    const bool understood =
        section.level <= format::level && take(static_cast<Section>(section.id), section.payload);
    if (!understood && (section.id & format::optional_bit) == 0) {
      return engine::fail(Errc::unsupported);
    }
  }
  if (!sections.empty()) return engine::fail(Errc::corrupt);
  return {};
}

std::string_view text_of(std::span<const std::byte> payload) {
  return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

template <class Head>
bool load_head(std::span<const std::byte> payload, Head& head) {
  if (payload.size() != sizeof head) return false;
  std::memcpy(&head, payload.data(), sizeof head);
  return true;
}

}  // namespace

Result<> encode_upload(UploadRecord& record) {
  std::vector<std::byte> attribute(attribute_bytes_max);
  std::vector<std::byte> sidecar;
  const auto encoded = encode(record.object, attribute.size(), attribute, sidecar);
  if (!encoded) return std::unexpected(encoded.error());
  if (encoded->has_sidecar) return engine::fail(Errc::too_large);
  FrameWriter out(upload_magic);
  UploadHead head{};
  head.created_ms = record.created_ms;
  std::ranges::copy(record.object_id, head.object_id);
  out.section(Section::head, &head, sizeof head);
  out.section(Section::key, record.key);
  out.section(Section::object, attribute.data(), encoded->attribute_bytes);
  if (!record.initiator.empty()) out.section(Section::initiator, record.initiator);
  if (!record.owner.empty()) out.section(Section::owner, record.owner);
  if (record.checksum_by_default) out.section(Section::default_checksum, nullptr, 0);
  auto bytes = out.finish();
  if (bytes.size() > record_bytes_max) return engine::fail(Errc::too_large);
  record.bytes = std::move(bytes);
  return {};
}

Result<UploadRecord> decode_upload(std::vector<std::byte> bytes) {
  UploadRecord record;
  record.bytes = std::move(bytes);
  const auto sections = format::open_frame(record.bytes, upload_magic);
  if (!sections) return std::unexpected(sections.error());
  UploadHead head{};
  bool has_head = false;
  std::span<const std::byte> object;
  const auto read = read_sections(*sections, [&](Section id, std::span<const std::byte> payload) {
    switch (id) {
      case Section::head: return has_head = load_head(payload, head);
      case Section::key: record.key = text_of(payload); return true;
      case Section::object: object = payload; return true;
      case Section::initiator: record.initiator = text_of(payload); return true;
      case Section::owner: record.owner = text_of(payload); return true;
      case Section::default_checksum: return record.checksum_by_default = true;
      default: return false;
    }
  });
  if (!read) return std::unexpected(read.error());
  if (!has_head || record.key.empty()) return engine::fail(Errc::corrupt);
  record.created_ms = head.created_ms;
  std::ranges::copy(head.object_id, record.object_id.begin());
  const auto decoded = decode(object);
  if (!decoded) return std::unexpected(decoded.error());
  record.object = *decoded;
  return record;
}

std::vector<std::byte> encode_receipt(const Receipt& receipt) {
  FrameWriter out(part_magic);
  ReceiptHead head{};
  head.size = receipt.size;
  head.acknowledged_ms = receipt.acknowledged_ms;
  head.slot_bytes = receipt.slot_bytes;
  std::ranges::copy(receipt.md5, head.md5);
  std::ranges::copy(receipt.own_id, head.own_id);
  head.part = receipt.part;
  head.checksum_algorithm = static_cast<std::uint8_t>(receipt.checksum.algorithm);
  out.section(Section::head, &head, sizeof head);
  const auto value = receipt.checksum.bytes();
  if (!value.empty()) out.section(Section::checksum, value.data(), value.size());
  out.section(Section::blocks, receipt.blocks.data(), receipt.blocks.size() * 8);
  return out.finish();
}

Result<Receipt> decode_receipt(std::span<const std::byte> bytes) {
  const auto sections = format::open_frame(bytes, part_magic);
  if (!sections) return std::unexpected(sections.error());
  ReceiptHead head{};
  bool has_head = false;
  std::span<const std::byte> value;
  std::span<const std::byte> blocks;
  const auto read = read_sections(*sections, [&](Section id, std::span<const std::byte> payload) {
    switch (id) {
      case Section::head: return has_head = load_head(payload, head);
      case Section::checksum: value = payload; return true;
      case Section::blocks: blocks = payload; return true;
      default: return false;
    }
  });
  if (!read) return std::unexpected(read.error());
  if (!has_head || blocks.size() % 8 != 0) return engine::fail(Errc::corrupt);
  if (head.checksum_algorithm > static_cast<std::uint8_t>(stored_checksum_last)) {
    return engine::fail(Errc::unsupported);
  }
  Receipt receipt{.part = head.part,
                  .size = head.size,
                  .acknowledged_ms = head.acknowledged_ms,
                  .slot_bytes = head.slot_bytes};
  std::ranges::copy(head.md5, receipt.md5.begin());
  std::ranges::copy(head.own_id, receipt.own_id.begin());
  receipt.checksum.algorithm = static_cast<ChecksumAlgorithm>(head.checksum_algorithm);
  if (value.size() != receipt.checksum.bytes().size()) return engine::fail(Errc::corrupt);
  if (!value.empty()) std::memcpy(receipt.checksum.raw.data(), value.data(), value.size());
  receipt.blocks.resize(blocks.size() / 8);
  if (!blocks.empty()) std::memcpy(receipt.blocks.data(), blocks.data(), blocks.size());
  return receipt;
}

std::vector<std::byte> encode_completed(const CompletedRecord& record) {
  FrameWriter out(completed_magic);
  CompletedHead head{};
  head.size = record.size;
  std::ranges::copy(record.md5, head.md5);
  head.parts = record.parts;
  head.checksum_algorithm = static_cast<std::uint8_t>(record.checksum.algorithm);
  head.checksum_type = static_cast<std::uint8_t>(record.checksum.type);
  out.section(Section::head, &head, sizeof head);
  out.section(Section::key, record.key);
  const std::size_t count = checksum_value_bytes(record.checksum.algorithm);
  if (count != 0) out.section(Section::checksum, record.checksum.value.data(), count);
  return out.finish();
}

Result<CompletedRecord> decode_completed(std::span<const std::byte> bytes) {
  const auto sections = format::open_frame(bytes, completed_magic);
  if (!sections) return std::unexpected(sections.error());
  CompletedRecord record;
  CompletedHead head{};
  bool has_head = false;
  std::span<const std::byte> value;
  const auto read = read_sections(*sections, [&](Section id, std::span<const std::byte> payload) {
    switch (id) {
      case Section::head: return has_head = load_head(payload, head);
      case Section::key: record.key = text_of(payload); return true;
      case Section::checksum: value = payload; return true;
      default: return false;
    }
  });
  if (!read) return std::unexpected(read.error());
  if (!has_head) return engine::fail(Errc::corrupt);
  record.size = head.size;
  record.parts = head.parts;
  std::ranges::copy(head.md5, record.md5.begin());
  if (head.checksum_algorithm > static_cast<std::uint8_t>(stored_checksum_last)) {
    return engine::fail(Errc::unsupported);
  }
  record.checksum.algorithm = static_cast<StoredChecksum>(head.checksum_algorithm);
  record.checksum.type = static_cast<StoredChecksumType>(head.checksum_type);
  if (value.size() != checksum_value_bytes(record.checksum.algorithm)) {
    return engine::fail(Errc::corrupt);
  }
  if (!value.empty()) std::memcpy(record.checksum.value.data(), value.data(), value.size());
  return record;
}

}  // namespace millrace::s3::store::uploads
