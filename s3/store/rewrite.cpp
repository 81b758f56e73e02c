// See rewrite.h. The file is sealed before the lock is taken, since that waits for a disk. When the
// attribute of the object turns out to be another than the one that was read, the lock goes, the
// new tags are read, and the file is sealed once more.
#include "s3/store/rewrite.h"

#include "s3/store/read.h"
#include "s3/store/sidecar.h"

namespace millrace::s3::store {

using engine::Result;
using engine::Task;

namespace {

// Each further one follows a change of tags that was acknowledged.
constexpr int attempts_max = 100;

Task<Result<>> read_again(Store& store, const Rewrite& rewrite, OpenObject& now) {
  const auto opened = co_await open_object(store.options(), rewrite.bucket, rewrite.path,
                                           rewrite.key, Detail::full, now);
  if (!opened) co_return opened.error().is(ENOENT) ? engine::fail_errno(ESTALE) : opened;
  const bool same = now.same_file(rewrite.base) && now.etag() == rewrite.base.etag();
  co_return same ? Result<>{} : engine::fail_errno(ESTALE);
}

// So that it can be sealed anew: the same attribute's place, and no sidecar that it may not need.
Task<void> unseal(const StoreOptions& options, std::string_view bucket, StagedFile& staged,
                  const MetadataView& meta) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  staged.modified_seconds = meta.mtime_ns / second_ns;
  if (staged.inode != 0) co_await remove_sidecar(options, bucket, meta.id, staged.inode);
}

}  // namespace

Task<Result<>> publish_rewrite(Store& store, const Rewrite& rewrite, StagedFile& staged,
                               MetadataView& meta) {
  std::optional<OpenObject> now;
  WriteConditions conditions = rewrite.conditions;
  conditions.as_read = &rewrite.base;
  Result<> done = engine::fail_errno(EAGAIN);
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    done = co_await seal(store.options(), rewrite.bucket, staged, meta, rewrite.owner);
    if (!done) break;
    const auto published = co_await store.publish(rewrite.bucket, rewrite.path, rewrite.key, staged,
                                                  meta, rewrite.kind, conditions);
    if (published) break;
    done = std::unexpected(published.error());
    if (published.error().is(errno_no_object) && rewrite.conditions.if_match.empty()) {
      done = engine::fail_errno(ESTALE);
    }
    if (!done.error().is(errno_object_changed)) break;
    now.emplace();
    done = co_await read_again(store, rewrite, *now);
    if (!done) break;
    conditions.as_read = &*now;
    if (rewrite.keeps_tags) meta.tags = now->meta.tags;
    co_await unseal(store.options(), rewrite.bucket, staged, meta);
    done = engine::fail_errno(EAGAIN);
  }
  meta.tags = {};
  co_return done;
}

}  // namespace millrace::s3::store
