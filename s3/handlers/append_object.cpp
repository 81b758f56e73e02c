// PutObject with x-amz-write-offset-bytes: data after the end of an object ("Appending data to
// objects in directory buckets"). A new file takes the object's bytes, by shared blocks where the
// filesystem can, and the new ones, and replaces the object only if that is still what was read. So
// readers see the object before or after, and of two appends at one offset one is done.
#include "s3/handlers/append_object.h"

#include "s3/handlers/answers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/put_whole.h"
#include "s3/handlers/receive.h"
#include "s3/handlers/source_object.h"
#include "s3/handlers/write_conditions.h"
#include "s3/limits.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/store/object_copy.h"
#include "s3/store/read.h"
#include "s3/store/rewrite.h"

#include <algorithm>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

constexpr std::string_view offset_name = "x-amz-write-offset-bytes";

// What an append works on: the object as it was read, and the file that is to replace it.
struct Append {
  store::OpenObject base;
  store::StagedFile staged;
  store::ContentDigest base_digest{ChecksumAlgorithm::none};
  store::MetadataView meta;
  // What meta's views point into.
  std::array<char, 2 * Md5::digest_bytes + 1> etag{};
  std::vector<std::byte> parts;
  std::vector<std::uint64_t> blocks;

  std::uint64_t base_parts() const {
    if (!base.meta.parts.empty()) return base.meta.parts.size();
    return base.file_size == 0 ? 0 : 1;
  }
  // A single block has no digest of its own where its MD5 is known.
  bool must_read_base() const {
    return !store::blocks_complete(base.meta) && base.file_size <= store::block_bytes;
  }
  bool has_blocks() const { return store::blocks_complete(base.meta) || must_read_base(); }
};

Outcome<> check_request(const Request& request, const Append& append, std::uint64_t offset) {
  const http::Head& head = request.head();
  if (offset != append.base.file_size) return refuse(ErrorCode::invalid_write_offset);
  store::MetadataView described;
  DescribedObject memory;
  const auto read = describe_from_head(head, described, memory);
  if (!read) return read;
  if (!described.user.empty() || head.find("x-amz-tagging") != nullptr) {
    return refuse(ErrorCode::invalid_request,
                  "Cannot specify both a write offset value and user-defined object metadata for "
                  "existing objects.");
  }
  if (append.base_parts() >= limits::parts_max) return refuse(ErrorCode::too_many_parts);
  return {};
}

bool can_combine(ChecksumAlgorithm algorithm) {
  ChecksumValue zero;
  zero.algorithm = algorithm;
  return combine(zero, zero, 0).has_value();
}

// The object's checksum goes on, also where this write came without one.
Outcome<> agree_on_checksum(const Append& append, PayloadClaims& claims) {
  const ChecksumValue known = checksum_value(append.base.meta.checksum);
  const bool whole = append.base.meta.checksum.type == store::StoredChecksumType::full_object;
  if (!whole || !can_combine(known.algorithm)) return {};
  if (claims.algorithm == ChecksumAlgorithm::none) claims.algorithm = known.algorithm;
  if (claims.algorithm == known.algorithm) return {};
  return refuse(ErrorCode::invalid_request,
                "Checksum Type mismatch occurred: the checksum is not of the algorithm that the "
                "object has.");
}

Task<engine::Result<>> copy_base(store::Store& store, Append& append) {
  const store::OpenObject& base = append.base;
  const store::FilePlace from{base.file.get(), 0};
  const store::FilePlace to{append.staged.file.get(), 0};
  co_await store::settle_source(store.options(), base);
  engine::Result<> copied;
  if (append.must_read_base()) {
    copied = co_await store::copy_digested(store, from, to, base.file_size, append.base_digest,
                                           append.staged.asker);
    append.base_digest.finish();
  } else {
    copied = co_await store::copy_bytes(store, from, to, base.file_size, append.staged.asker);
  }
  if (!copied) co_return copied;
  const bool is_md5 = base.native && base.meta.etag.kind == store::EtagKind::md5;
  if (append.must_read_base() && is_md5 && base.meta.etag.md5 != append.base_digest.md5()) {
    co_return engine::fail(engine::Errc::corrupt);
  }
  co_return co_await store::check_unwritten(base);
}

// Of what it was and what came: no MD5 of the content, and nobody takes it for one.
void name_etag(Append& append, const Payload& payload) {
  Md5 md5;
  md5.update(append.base.etag());
  md5.update(std::as_bytes(std::span(payload.md5())));
  const auto hex = hex_of(md5.finish());
  const auto half = hex.begin() + Md5::digest_bytes;
  auto out = std::copy(hex.begin(), half, append.etag.begin());
  *out++ = '-';
  std::copy(half, hex.end(), out);
  append.meta.etag = {.kind = store::EtagKind::opaque,
                      .parts = static_cast<std::uint32_t>(append.base_parts() + 1),
                      .md5 = {},
                      .opaque = {append.etag.data(), append.etag.size()}};
}

engine::Result<> list_parts(Append& append, std::uint64_t added_bytes) {
  const store::MetadataView& base = append.base.meta;
  std::vector<store::Part> parts;
  parts.reserve(append.base_parts() + 1);
  for (std::uint32_t i = 0; !base.parts.empty() && i < base.parts.size(); ++i) {
    parts.push_back({.number = i + 1, .size = base.parts.at(i).size, .checksum = {}});
  }
  if (base.parts.empty() && base.size > 0) {
    parts.push_back({.number = 1, .size = base.size, .checksum = {}});
  }
  const auto number = static_cast<std::uint32_t>(parts.size() + 1);
  parts.push_back({.number = number, .size = added_bytes, .checksum = {}});
  constexpr auto no_checksum = store::StoredChecksum::none;
  append.parts.resize(store::PackedParts::packed_bytes(parts.size(), no_checksum));
  const auto packed = store::PackedParts::pack(parts, no_checksum, append.parts);
  if (!packed) return std::unexpected(packed.error());
  append.meta.parts = *packed;
  return {};
}

engine::Result<> describe(Append& append, const Payload& payload) {
  const store::MetadataView& base = append.base.meta;
  append.meta = base;
  append.meta.size = append.base.file_size + payload.bytes();
  append.meta.checksum = {};
  if (base.checksum.type == store::StoredChecksumType::full_object) {
    const auto whole = combine(checksum_value(base.checksum), payload.checksum(), payload.bytes());
    if (whole) append.meta.checksum = stored_checksum(*whole);
  }
  append.meta.blocks = {};
  if (append.has_blocks()) {
    const auto read = append.base_digest.blocks();
    append.blocks.assign(read.begin(), read.end());
    for (std::size_t i = 0; i < base.blocks.size() && read.empty(); ++i) {
      append.blocks.push_back(base.blocks.at(i));
    }
    append.blocks.insert(append.blocks.end(), payload.blocks().begin(), payload.blocks().end());
    append.meta.blocks = store::PackedDigests::of(append.blocks);
  }
  name_etag(append, payload);
  return list_parts(append, payload.bytes());
}

// Somebody replaced or removed the object after it was read, so its size is another, or may be.
S3Error publish_error(engine::Error error) {
  if (error.is(ESTALE)) return {.code = ErrorCode::invalid_write_offset};
  return copy_error(error);
}

Task<Outcome<>> receive_and_publish(Request& request, store::MappedPath& path,
                                    const PayloadClaims& claims, Append& append) {
  store::Store& store = request.service.store();
  const auto copied = co_await copy_base(store, append);
  if (!copied) co_return std::unexpected(copy_error(copied.error()));
  Payload payload(request.exchange, request.identity, claims, Payload::Md5Use::etag,
                  request.service.store().md5_queue());
  const PieceSink sink{
      .write =
          [](void* context, std::span<const std::byte> piece, std::uint64_t offset) {
            const auto& to = *static_cast<const Append*>(context);
            return engine::file::write(to.staged.file.get(), piece, to.base.file_size + offset);
          },
      .context = &append};
  const auto received = co_await receive_into(request, payload, sink);
  if (!received) co_return received;
  if (const auto described = describe(append, payload); !described) {
    co_return std::unexpected(copy_error(described.error()));
  }
  const auto published = co_await store::publish_rewrite(store,
                                                         {.bucket = request.bucket(),
                                                          .path = path,
                                                          .key = request.key->view(),
                                                          .base = append.base,
                                                          .owner = ownership(request),
                                                          .conditions = {}},
                                                         append.staged, append.meta);
  if (!published) co_return std::unexpected(publish_error(published.error()));
  co_return Outcome<>{};
}

Task<Outcome<>> append_to(Request& request, store::MappedPath& path, PayloadClaims& claims,
                          Append& append) {
  if (const auto agreed = agree_on_checksum(append, claims); !agreed) co_return agreed;
  const store::StoreOptions& options = request.service.store().options();
  append.staged.asker = request.asker();
  const auto made = co_await store::stage(options, request.bucket(), append.staged);
  if (!made) co_return std::unexpected(bucket_error(made.error()));
  const auto done = co_await receive_and_publish(request, path, claims, append);
  co_await store::discard(options, request.bucket(), append.staged);
  if (!done) co_return done;
  http::HeadWriter& out = request.begin(200);
  std::ignore = out.etag(append.meta.etag.opaque);
  std::ignore = out.field("x-amz-object-size", append.meta.size);
  write_checksum(out, append.meta);
  co_return co_await send_empty(request);
}

}  // namespace

bool is_append(const http::Head& head) {
  return head.find(offset_name) != nullptr;
}

Task<Outcome<>> append_object(Request& request) {
  const http::Head& head = request.head();
  const std::string_view text = head.value(offset_name);
  const auto offset = parse_decimal(text, ~0ULL);
  if (!offset) {
    co_return std::unexpected(
        refuse_argument("The write offset must be a number of bytes.", offset_name, text).error());
  }
  auto claims = parse_payload_claims(head, request.identity, limits::put_bytes_max);
  if (!claims) co_return std::unexpected(claims.error());
  if (claims->bytes == 0) {
    co_return refuse(ErrorCode::invalid_request,
                     "Request body cannot be empty when 'write offset' is specified.");
  }
  store::MappedPath path;
  store::map(*request.key, path);
  const auto conditions = write_conditions(head);
  if (!conditions) co_return std::unexpected(conditions.error());
  if (const auto held = co_await check_early(request, path, *conditions); !held) co_return held;
  Append append;
  const auto opened =
      co_await store::open_object(request.service.store().options(), request.bucket(), path,
                                  request.key->view(), store::Detail::full, append.base);
  if (!opened) {
    if (opened.error().is(ENOENT) && *offset == 0) {
      co_return co_await put_whole(request, PutKind::first_append);
    }
    co_return std::unexpected(co_await object_error(request, opened.error()));
  }
  if (const auto fits = check_request(request, append, *offset); !fits) co_return fits;
  // What was asked of the object holds of the one that was read: that is what is replaced.
  const bool held = store::check_conditions(*conditions, append.base).has_value();
  if (!held) co_return refuse(ErrorCode::precondition_failed);
  co_return co_await append_to(request, path, *claims, append);
}

}  // namespace millrace::s3::handlers
