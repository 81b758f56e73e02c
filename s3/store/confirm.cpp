// Whether a publish of which nobody has told has been: by a process that died after it, or whose
// answer was lost. The name may not be durable yet, so that is seen to before anybody relies on it.
#include "s3/store/read.h"
#include "s3/store/spot.h"

namespace millrace::s3::store {

using engine::Errc;
using engine::Error;
using engine::Result;
using engine::Task;

namespace {

constexpr int attempts_max = 1000;

bool is(const PublishedFile& file, const OpenObject& object) {
  return object.inode == file.inode && object.mtime_ns == file.mtime_ns &&
         object.etag() == file.etag;
}

// What the key has cannot be read, so it is something else.
bool is_another(const Error& error) {
  return error.is(ENOENT) || error.code == Errc::corrupt || error.code == Errc::unsupported;
}

bool looks_again(const Error& error) {
  return error.is(ENOENT) || error.is(ENOTDIR) || error.is(EISDIR);
}

}  // namespace

Task<Result<bool>> Store::confirm(std::string_view bucket, MappedPath& path, std::string_view key,
                                  const PublishedFile& file) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    {
      // So that no directories are made for an object that is not there.
      OpenObject seen;
      const auto opened = co_await open_object(options_, bucket, path, key, Detail::head, seen);
      if (!opened && !is_another(opened.error())) co_return std::unexpected(opened.error());
      if (!opened || !is(file, seen)) co_return false;
    }
    const auto parent = co_await parent_for(bucket, path);
    if (!parent) co_return std::unexpected(parent.error());
    const auto lock = co_await lock_key(bucket, path, path.names(), parent->fd.get());
    if (!lock && looks_again(lock.error())) continue;
    if (!lock) co_return std::unexpected(lock.error());
    Spot spot;
    auto done = co_await locate(bucket, {path, key, {}}, *parent, spot);
    if (!done && looks_again(done.error())) continue;
    if (!done && !is_another(done.error())) co_return std::unexpected(done.error());
    if (!done || !spot.exists || !is(file, spot.object)) co_return false;
    if (spot.inner && options_.durability == Durability::strict) {
      done = co_await sync_ancestors(options_, synced_, syncs_, bucket, path, path.names(),
                                     *spot.inner);
    }
    if (done) done = co_await name_is_durable(*spot.directory, spot.object.file.get());
    if (!done) co_return std::unexpected(done.error());
    co_return true;
  }
  co_return engine::fail_errno(EAGAIN);
}

}  // namespace millrace::s3::store
