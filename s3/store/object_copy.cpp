// See object_copy.h.
#include "s3/store/object_copy.h"

#include "s3/store/rewrite.h"

#include <algorithm>

namespace millrace::s3::store {

using engine::Errc;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

// The object's own content digests, checked against what the source said of itself.
Result<> describe_read(const OpenObject& source, const ContentDigest& digest, MetadataView& meta) {
  const MetadataView& known = source.meta;
  const auto blocks = digest.blocks();
  if (source.native && known.etag.kind == EtagKind::md5 && known.etag.md5 != digest.md5()) {
    return engine::fail(Errc::corrupt);
  }
  if (known.parts.empty() && known.blocks.size() == blocks.size()) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (known.blocks.at(i) != blocks[i]) return engine::fail(Errc::corrupt);
    }
  }
  meta.etag = {.kind = EtagKind::md5, .parts = 0, .md5 = digest.md5(), .opaque = {}};
  meta.checksum = {};
  meta.checksum.algorithm = static_cast<StoredChecksum>(digest.checksum().algorithm);
  std::ranges::copy(digest.checksum().bytes(), meta.checksum.value.begin());
  meta.parts = {};
  meta.blocks = blocks.size() > 1 ? PackedDigests::of(blocks) : PackedDigests();
  return {};
}

void describe_kept(const MetadataView& known, MetadataView& meta) {
  meta.etag = known.etag;
  meta.checksum = known.checksum;
  meta.parts = known.parts;
  meta.blocks = known.blocks;
}

Task<Result<>> copy_content(Store& store, const OpenObject& source, CopyPlan plan,
                            const StagedFile& staged, ContentDigest& digest) {
  const FilePlace from{source.file.get(), 0};
  const FilePlace to{staged.file.get(), 0};
  co_await settle_source(store.options(), source);
  Result<> copied;
  if (plan.read) {
    copied = co_await copy_digested(store, from, to, source.file_size, digest, staged.asker);
    digest.finish();
  } else {
    copied = co_await copy_bytes(store, from, to, source.file_size, staged.asker);
  }
  if (!copied) co_return copied;
  co_return co_await check_unwritten(source);
}

Task<Result<>> publish_copy(Store& store, const OpenObject& source, const CopyTarget& target,
                            StagedFile& staged, MetadataView& meta) {
  if (target.onto_itself) {
    co_return co_await publish_rewrite(store,
                                       {.bucket = target.bucket,
                                        .path = target.path,
                                        .key = target.key,
                                        .base = source,
                                        .keeps_tags = target.keeps_tags,
                                        .kind = CommitKind::copy,
                                        .owner = target.owner,
                                        .conditions = target.conditions},
                                       staged, meta);
  }
  const auto sealed = co_await seal(store.options(), target.bucket, staged, meta, target.owner);
  if (!sealed) co_return sealed;
  const auto published = co_await store.publish(target.bucket, target.path, target.key, staged,
                                                meta, CommitKind::copy, target.conditions);
  co_return published ? Result<>{} : std::unexpected(published.error());
}

Task<Result<>> fill_and_publish(Store& store, const OpenObject& source, CopyPlan plan,
                                const CopyTarget& target, StagedFile& staged, MetadataView& meta) {
  ContentDigest digest(plan.algorithm);
  const auto copied = co_await copy_content(store, source, plan, staged, digest);
  if (!copied) co_return copied;
  meta.size = source.file_size;
  Result<> described;
  if (plan.read) {
    described = describe_read(source, digest, meta);
  } else {
    describe_kept(source.meta, meta);
  }
  if (!described) co_return described;
  const auto published = co_await publish_copy(store, source, target, staged, meta);
  // The digests' memory ends here.
  meta.parts = {};
  meta.blocks = {};
  co_return published;
}

}  // namespace

CopyPlan plan_copy(const OpenObject& source, ChecksumAlgorithm wanted) {
  const auto& checksum = source.meta.checksum;
  const bool whole = checksum.type == StoredChecksumType::full_object;
  const auto has =
      whole ? static_cast<ChecksumAlgorithm>(checksum.algorithm) : ChecksumAlgorithm::none;
  if (wanted != ChecksumAlgorithm::none && wanted != has) return {true, wanted};
  if (source.meta.etag.kind != EtagKind::opaque) return {};
  return {true, has != ChecksumAlgorithm::none ? has : ChecksumAlgorithm::crc64nvme};
}

bool blocks_complete(const MetadataView& object) {
  const auto blocks_of = [](std::uint64_t bytes) {
    return (bytes + block_bytes - 1) / block_bytes;
  };
  std::uint64_t wanted = 0;
  for (std::size_t i = 0; !object.parts.empty() && i < object.parts.size(); ++i) {
    wanted += blocks_of(object.parts.at(i).size);
  }
  if (object.parts.empty()) wanted = blocks_of(object.size);
  return object.blocks.size() == wanted;
}

Task<void> settle_source(const StoreOptions& options, const OpenObject& source) {
  if (source.native) co_return;  // whoever writes it gives it another time (staging.cpp)
  const std::int64_t ticks_ns = 2 * std::int64_t{options.abilities.timestamp_tick_ns};
  const auto now_ns = static_cast<std::int64_t>(engine::Shard::current().wall_ns());
  if (now_ns - source.mtime_ns > ticks_ns) co_return;
  co_await engine::sleep_for(static_cast<std::uint64_t>(ticks_ns) / 1'000'000 + 1);
}

Task<Result<>> check_unwritten(const OpenObject& source) {
  struct statx status{};
  const auto known = co_await file::stat(source.file.get(), "", status);
  if (!known) co_return known;
  OpenObject now;
  now.take(status);
  const bool same = now.file_size == source.file_size && now.mtime_ns == source.mtime_ns;
  co_return same ? Result<>{} : engine::fail_errno(ESTALE);
}

Task<Result<>> copy_object(Store& store, const OpenObject& source, CopyPlan plan,
                           const CopyTarget& target, MetadataView& meta) {
  StagedFile staged;
  staged.asker = target.asker;
  const auto made = co_await stage(store.options(), target.bucket, staged);
  if (!made) co_return made;
  const auto done = co_await fill_and_publish(store, source, plan, target, staged, meta);
  co_await discard(store.options(), target.bucket, staged);
  co_return done;
}

}  // namespace millrace::s3::store
