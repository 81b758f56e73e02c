// UploadPartCopy: a part of an upload from an object, or from a range of one.
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/slow_answer.h"
#include "s3/handlers/source_object.h"
#include "s3/handlers/upload_answers.h"
#include "s3/service.h"
#include "s3/store/object_copy.h"
#include "s3/store/uploads/part.h"
#include "s3/xml/copy_document.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

// All that a receipt needs is known of an object that is its own MD5, when the part is the whole.
struct KnownDigests {
  std::vector<std::uint64_t> blocks;
  ChecksumValue checksum;
  bool enough = false;
};

KnownDigests known_digests(const store::OpenObject& object, const CopyRange& range,
                           ChecksumAlgorithm algorithm) {
  KnownDigests known;
  const store::MetadataView& meta = object.meta;
  const bool whole_checksum = meta.checksum.type == store::StoredChecksumType::full_object;
  if (whole_checksum) known.checksum = checksum_value(meta.checksum);
  if (algorithm == ChecksumAlgorithm::none) known.checksum = {};
  known.enough = range.bytes == object.file_size && meta.etag.kind == store::EtagKind::md5 &&
                 known.checksum.algorithm == algorithm && store::blocks_complete(meta);
  if (!known.enough) return known;
  known.blocks.resize(meta.blocks.size());
  for (std::size_t i = 0; i < known.blocks.size(); ++i) known.blocks[i] = meta.blocks.at(i);
  return known;
}

struct Copied {
  Md5::Digest md5{};
  ChecksumValue checksum;
};

Task<Outcome<Copied>> copy_part(Request& request, store::PartWriter& writer,
                                const store::OpenObject& object, const CopyRange& range) {
  const KnownDigests known = known_digests(object, range, writer.algorithm());
  store::ContentDigest digest(known.enough ? ChecksumAlgorithm::none : writer.algorithm());
  co_await store::settle_source(request.service.store().options(), object);
  auto done = co_await writer.copy({object.file.get(), range.offset}, range.bytes,
                                   known.enough ? nullptr : &digest, request.asker());
  if (done) done = co_await store::check_unwritten(object);
  if (!done) co_return std::unexpected(copy_error(done.error()));
  digest.finish();
  const Copied copied{.md5 = known.enough ? object.meta.etag.md5 : digest.md5(),
                      .checksum = known.enough ? known.checksum : digest.checksum()};
  const auto finished = co_await writer.finish(
      {.size = range.bytes,
       .md5 = copied.md5,
       .checksum = copied.checksum,
       .blocks = known.enough ? std::span<const std::uint64_t>(known.blocks) : digest.blocks()});
  if (!finished) co_return std::unexpected(upload_error(finished.error()));
  co_return copied;
}

std::string document_of(const Request& request, const Copied& copied) {
  const auto etag = hex_of(copied.md5);
  std::string document;
  xml::append_copy_result(
      document, xml::CopyKind::part,
      {.modified_seconds = static_cast<std::int64_t>(request.service.shard().wall_seconds()),
       .etag = {etag.data(), etag.size()},
       .checksum = copied.checksum});
  return document;
}

Task<Outcome<std::string>> copy(Request& request, store::PartWriter& writer,
                                const store::OpenObject& object, const CopyRange& range) {
  auto copied = co_await copy_part(request, writer, object, range);
  if (copied) {
    // What nobody asked for is kept, not told; as with UploadPart.
    if (writer.kind().by_default) copied->checksum = {};
    co_return document_of(request, *copied);
  }
  co_await writer.abandon();
  co_return std::unexpected(copied.error());
}

}  // namespace

Task<Outcome<>> upload_part_copy(Request& request) {
  const auto number = part_number(request);
  if (!number) co_return std::unexpected(number.error());
  CopySource source{.key = *request.key};
  store::OpenObject object;
  if (const auto opened = co_await open_source(request, source, object); !opened) co_return opened;
  CopyRange range{.offset = 0, .bytes = object.file_size};
  if (const auto* field = request.head().find("x-amz-copy-source-range"); field != nullptr) {
    const auto parsed = parse_copy_range(field->value, object.file_size);
    if (!parsed) co_return std::unexpected(parsed.error());
    range = *parsed;
  }
  if (const auto bytes = check_copy_bytes(range.bytes); !bytes) co_return bytes;
  store::Store& store = request.service.store();
  store::PartWriter writer(store);
  const auto begun = co_await writer.begin(
      request.bucket(), request.key->view(), upload_id(request), *number, range.bytes,
      store.options().abilities.reflink ? store::Room::as_needed : store::Room::allocated);
  if (!begun) co_return std::unexpected(upload_error(begun.error()));
  co_return co_await answer_when_done(request, copy(request, writer, object, range));
}

}  // namespace millrace::s3::handlers
