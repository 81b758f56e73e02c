// PutObject: staged, digested on the way, verified, sealed, published, and only then answered.
#include "s3/handlers/answers.h"
#include "s3/handlers/append_object.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/object_tags.h"
#include "s3/handlers/put_whole.h"
#include "s3/handlers/receive.h"
#include "s3/handlers/write_conditions.h"
#include "s3/limits.h"
#include "s3/payload.h"
#include "s3/service.h"

namespace millrace::s3::handlers {

using engine::Result;
using engine::Task;

namespace {

void fill_in(store::MetadataView& meta, const Payload& payload) {
  meta.size = payload.bytes();
  meta.etag = {.kind = store::EtagKind::md5, .parts = 0, .md5 = payload.md5(), .opaque = {}};
  meta.checksum = stored_checksum(payload.checksum());
  if (payload.blocks().size() > 1) meta.blocks = store::PackedDigests::of(payload.blocks());
}

struct Target {
  store::MappedPath path;
  store::WriteConditions conditions;
};

Task<Outcome<>> receive_and_store(Request& request, const PayloadClaims& claims, Target& target,
                                  store::StagedFile& staged, store::MetadataView& meta) {
  Payload payload(request.exchange, request.identity, claims, Payload::Md5Use::etag,
                  request.service.store().md5_queue());
  co_return co_await receive_and_publish(request, payload, target.path, target.conditions, staged,
                                         meta);
}

}  // namespace

Task<Outcome<>> receive_and_publish(Request& request, Payload& payload, store::MappedPath& path,
                                    const store::WriteConditions& conditions,
                                    store::StagedFile& staged, store::MetadataView& meta) {
  const PieceSink sink{
      .write =
          [](void* context, std::span<const std::byte> piece, std::uint64_t offset) {
            return engine::file::write(static_cast<store::StagedFile*>(context)->file.get(), piece,
                                       offset);
          },
      .context = &staged};
  const auto received = co_await receive_into(request, payload, sink);
  if (!received) co_return received;
  fill_in(meta, payload);
  store::Store& objects = request.service.store();
  const auto sealed =
      co_await store::seal(objects.options(), request.bucket(), staged, meta, ownership(request));
  if (!sealed) co_return std::unexpected(bucket_error(sealed.error()));
  const auto published = co_await objects.publish(request.bucket(), path, request.key->view(),
                                                  staged, meta, store::CommitKind::put, conditions);
  if (!published) co_return std::unexpected(change_error(published.error()));
  co_return Outcome<>{};
}

Task<Outcome<>> put_object(Request& request) {
  if (is_append(request.head())) return append_object(request);
  return put_whole(request, PutKind::replace);
}

Task<Outcome<>> put_whole(Request& request, PutKind kind) {
  const http::Head& head = request.head();
  auto claims = parse_payload_claims(head, request.identity, limits::put_bytes_max);
  if (!claims) co_return std::unexpected(claims.error());
  if (claims->algorithm == ChecksumAlgorithm::none) claims->algorithm = default_checksum;
  store::MetadataView meta;
  DescribedObject memory;
  if (const auto described = describe_from_head(head, meta, memory); !described) {
    co_return described;
  }
  TagSet tags;
  if (const auto taken = take_tags(head, meta, tags); !taken) {
    co_return taken;
  }
  if (!meta.tags.empty()) {
    if (const auto may = co_await may_tag(request, meta.tags); !may) co_return may;
  }
  Target target;
  store::map(*request.key, target.path);
  const auto conditions = write_conditions(head);
  if (!conditions) co_return std::unexpected(conditions.error());
  target.conditions = *conditions;
  if (kind == PutKind::first_append) target.conditions.must_not_exist = true;
  if (const auto held = co_await check_early(request, target.path, target.conditions); !held) {
    co_return held;
  }
  const store::StoreOptions& options = request.service.store().options();
  store::StagedFile staged;
  staged.asker = request.asker();
  if (const auto made = co_await store::stage(options, request.bucket(), staged); !made) {
    co_return std::unexpected(bucket_error(made.error()));
  }
  const auto stored = co_await receive_and_store(request, *claims, target, staged, meta);
  co_await store::discard(options, request.bucket(), staged);
  const bool first_append = kind == PutKind::first_append;
  if (!stored && first_append && stored.error().code == ErrorCode::precondition_failed) {
    co_return refuse(ErrorCode::invalid_write_offset);
  }
  if (!stored) co_return stored;
  http::HeadWriter& out = request.begin(200);
  std::array<char, store::etag_text_bytes_max> etag;
  std::ignore = out.etag(store::write_etag(meta.etag, etag));
  if (first_append) std::ignore = out.field("x-amz-object-size", meta.size);
  write_checksum(out, meta);
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
