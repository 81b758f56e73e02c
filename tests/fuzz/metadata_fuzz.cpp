// Fuzzes the packed attribute: the input is what stands between the frame's magic and its digest,
// which are added here, or nothing would ever pass them; as it is, too. Properties: no crash; views
// lie within the attribute; what is decoded, encoded again, decodes to the same.
#include "s3/store/metadata.h"

#include "s3/store/metadata_format.h"
#include "tests/fuzz/targets.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3::store;
using Bytes = std::span<const std::byte>;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string framed(std::string_view input, std::string_view magic) {
  std::string frame(magic);
  frame += '\x01';
  frame += input;
  const std::uint64_t digest = XXH3_64bits(frame.data(), frame.size());
  frame.append(reinterpret_cast<const char*>(&digest), sizeof digest);
  return frame;
}

void check_tables(const MetadataView& view, std::string_view frame) {
  for (const PackedPairs* pairs : {&view.user, &view.tags}) {
    for (const Pair pair : *pairs) {
      require(within(pair.name, frame) && within(pair.value, frame), "pairs within");
    }
  }
  for (std::size_t i = 0; i < view.parts.size(); ++i) {
    const Part part = view.parts.at(i);
    require(within(text_of(std::as_bytes(part.checksum)), frame), "checksums within");
  }
  for (std::size_t i = 0; i < view.blocks.size(); ++i) static_cast<void>(view.blocks.at(i));
}

void check_again(const MetadataView& view) {
  const auto room = std::make_unique<std::byte[]>(attribute_bytes_max);
  const std::span<std::byte> out(room.get(), attribute_bytes_max);
  std::vector<std::byte> sidecar;
  const auto encoded = encode(view, attribute_bytes_max, out, sidecar);
  if (!encoded) return;
  auto again = decode(out.first(encoded->attribute_bytes));
  require(again.has_value(), "what was encoded is decoded");
  if (encoded->has_sidecar)
    require(decode_sidecar(sidecar, *again).has_value(), "with its sidecar");
  require(again->size == view.size && again->file_size == view.file_size, "sizes");
  require(again->mtime_ns == view.mtime_ns && again->id == view.id, "file");
  require(again->etag.kind == view.etag.kind && again->etag.parts == view.etag.parts &&
              again->etag.md5 == view.etag.md5 && again->etag.opaque == view.etag.opaque,
          "ETag");
  require(again->checksum.algorithm == view.checksum.algorithm &&
              again->checksum.value == view.checksum.value,
          "checksum");
  require(again->content_type == view.content_type && again->fields == view.fields, "texts");
  require(std::ranges::equal(again->user.payload(), view.user.payload()), "user metadata");
  require(std::ranges::equal(again->tags.payload(), view.tags.payload()), "tags");
  require(std::ranges::equal(again->parts.payload(), view.parts.payload()), "parts");
  require(std::ranges::equal(again->blocks.payload(), view.blocks.payload()), "blocks");
}

void check_attribute(std::string_view frame) {
  const auto copy = std::make_unique<char[]>(frame.size());
  frame.copy(copy.get(), frame.size());
  const std::string_view kept(copy.get(), frame.size());
  const auto view = decode(std::as_bytes(std::span(kept)));
  if (!view) return;
  require(within(view->content_type, kept) ||
              std::ranges::find(format::content_types, view->content_type) !=
                  std::end(format::content_types),
          "a content type");
  for (const std::string_view field : view->fields) require(within(field, kept), "fields within");
  check_tables(*view, kept);
  char etag[etag_text_bytes_max];
  require(write_etag(view->etag, etag).size() <= etag_text_bytes_max, "an ETag");
  if (!view->sidecar.present) check_again(*view);
}

void run(std::string_view input) {
  check_attribute(input);
  check_attribute(framed(input, "MRA"));
  // A sidecar that its attribute names, whatever is in it.
  const std::string sidecar = framed(input, "MRS");
  MetadataView view;
  view.sidecar.present = true;
  view.sidecar.bytes = sidecar.size();
  std::memcpy(&view.sidecar.digest, sidecar.data() + sidecar.size() - 8, 8);
  if (decode_sidecar(std::as_bytes(std::span(sidecar)), view)) check_tables(view, sidecar);
}

using namespace std::string_view_literals;
constexpr std::string_view seeds[] = {
    // Modification time, id, shape, checksum's algorithm, content type, size, MD5, CRC-32.
    "12345678"
    "identity"
    "\x00\x01\x03\x05"
    "0123456789abcdef"
    "crc4"sv,
    // With a file size, parts, an opaque ETag and a content type of its own; then user metadata.
    "12345678"
    "identity"
    "\x0e\x00\x00\x80\x01\x05\x02\x03"
    "abc"
    "\x04"
    "a/bc"
    "\x90\x01\x06\x00\x00\x00\x01\x00\x01\x00"
    "ab"
    "\x81\x01\x03\x00\x00\x00"
    "xyz"
    "\xf0\x01\x01\x00\x00\x00"
    "?"sv,
    // A sidecar's sections: the owner, blocks.
    "\x03\x01\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x93\x01\x08\x00\x00\x00"
    "12345678"sv,
    "\x03\x01\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x92\x01\x0e\x00\x00\x00\x00"
    "12345678901234"sv};

}  // namespace

const Target metadata{.name = "metadata", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
