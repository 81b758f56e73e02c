// PutObject: staged, digested on the way, verified, sealed, published, and only then answered.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/receive.h"
#include "s3/limits.h"
#include "s3/payload.h"
#include "s3/service.h"
#include "s3/store/read.h"

namespace millrace::s3::handlers {

using engine::Result;
using engine::Task;

namespace {

// `If-None-Match: *` is the only condition that gets here; the others were refused as not built.
bool must_not_exist(const http::Head& head) {
  return head.find("if-none-match") != nullptr;
}

// Looks before the body is asked for; the publish decides.
Task<Outcome<>> check_absent(Request& request, store::MappedPath& path) {
  store::OpenObject object;
  const auto opened =
      co_await store::open_object(request.service.store().options(), request.bucket(), path,
                                  request.key->view(), store::Detail::head, object);
  if (opened) co_return refuse(ErrorCode::precondition_failed);
  co_return Outcome<>{};
}

void fill_in(store::MetadataView& meta, const Payload& payload) {
  meta.size = payload.bytes();
  meta.etag = {.kind = store::EtagKind::md5, .parts = 0, .md5 = payload.md5(), .opaque = {}};
  meta.checksum = stored_checksum(payload.checksum());
  if (payload.blocks().size() > 1) meta.blocks = store::PackedDigests::of(payload.blocks());
}

Task<Outcome<>> store_object(Request& request, store::MappedPath& path, store::StagedFile& staged,
                             store::MetadataView& meta) {
  store::Store& objects = request.service.store();
  const auto sealed =
      co_await store::seal(objects.options(), request.bucket(), staged, meta, ownership(request));
  if (!sealed) co_return std::unexpected(bucket_error(sealed.error()));
  const auto published = co_await objects.publish(
      request.bucket(), path, request.key->view(), staged, meta, store::CommitKind::put,
      must_not_exist(request.head()) ? store::Overwrite::refused : store::Overwrite::allowed);
  if (published) co_return Outcome<>{};
  if (published.error().is(EEXIST)) co_return refuse(ErrorCode::precondition_failed);
  co_return std::unexpected(bucket_error(published.error()));
}

Task<Outcome<>> receive_and_store(Request& request, const PayloadClaims& claims,
                                  store::MappedPath& path, store::StagedFile& staged,
                                  store::MetadataView& meta) {
  Payload payload(request.exchange, request.identity, claims, Payload::Md5Use::etag);
  const PieceSink sink{
      .write =
          [](void* context, std::span<const std::byte> piece, std::uint64_t offset) {
            return engine::file::write(static_cast<store::StagedFile*>(context)->file.get(), piece,
                                       offset);
          },
      .context = &staged};
  const auto received = co_await receive_into(payload, sink);
  if (!received) co_return received;
  fill_in(meta, payload);
  co_return co_await store_object(request, path, staged, meta);
}

}  // namespace

Task<Outcome<>> put_object(Request& request) {
  const http::Head& head = request.head();
  auto claims = parse_payload_claims(head, request.identity, limits::put_bytes_max);
  if (!claims) co_return std::unexpected(claims.error());
  if (claims->algorithm == ChecksumAlgorithm::none) claims->algorithm = default_checksum;
  store::MetadataView meta;
  DescribedObject memory;
  if (const auto described = describe_from_head(head, meta, memory); !described) {
    co_return described;
  }
  store::MappedPath path;
  store::map(*request.key, path);
  if (must_not_exist(head)) {
    if (const auto absent = co_await check_absent(request, path); !absent) co_return absent;
  }
  const store::StoreOptions& options = request.service.store().options();
  store::StagedFile staged;
  staged.asker = request.asker();
  if (const auto made = co_await store::stage(options, request.bucket(), staged); !made) {
    co_return std::unexpected(bucket_error(made.error()));
  }
  const auto stored = co_await receive_and_store(request, *claims, path, staged, meta);
  co_await store::discard(options, request.bucket(), staged);
  if (!stored) co_return stored;
  http::HeadWriter& out = request.begin(200);
  std::array<char, store::etag_text_bytes_max> etag;
  std::ignore = out.etag(store::write_etag(meta.etag, etag));
  write_checksum(out, meta);
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
