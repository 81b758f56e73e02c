// See directories.h.
#include "s3/store/directories.h"

#include "s3/store/staging.h"

#include <fcntl.h>
#include <xxhash.h>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {
constexpr int directory_flags = O_RDONLY | O_DIRECTORY;
}

std::uint64_t DirectoryId::hash() const {
  return XXH3_64bits(this, sizeof *this);
}

Task<Result<>> sync_directory(int fd) {
  const auto synced = co_await file::sync(fd);
  if (!synced) co_return synced;
  struct statx status{};
  co_return co_await file::stat(fd, "", status);
}

Task<Result<>> DirectorySyncs::sync(const Directory& directory) {
  ++asked_;
  const std::uint64_t key = directory.id.hash();
  const auto [at, first] = running_.try_emplace(key);
  if (!first) {
    Waiter self;
    self.next = std::exchange(at->second.first, &self);
    co_await Join{self};
    if (self.answered) co_return self.result;
    // The running sync has ended and this one leads the next, for all that wait now.
  }
  Queue& queue = running_.at(key);
  Waiter* followers = std::exchange(queue.first, nullptr);
  ++run_;
  const Result<> result = co_await sync_directory(directory.fd.get());
  engine::ReadyQueue& ready = engine::Shard::current().ready();
  while (followers != nullptr) {
    Waiter& each = *followers;
    followers = each.next;
    each.answered = true;
    each.result = result;
    ready.push(each.coroutine);
  }
  if (Waiter* leader = queue.first; leader != nullptr) {
    queue.first = leader->next;
    ready.push(leader->coroutine);
  } else {
    running_.erase(key);
  }
  co_return result;
}

Task<Result<>> sync_names(const StoreOptions& options, DirectorySyncs& syncs,
                          const Directory& directory) {
  co_return note_sync(options, co_await syncs.sync(directory));
}

Task<Result<>> sync_directory_unless_none(const StoreOptions& options, int fd) {
  if (options.durability == Durability::none) co_return Result<>{};
  co_return note_sync(options, co_await sync_directory(fd));
}

Task<Result<Directory>> identify(const StoreOptions& options, Descriptor fd) {
  struct statx status{};
  if (options.abilities.local) {
    const auto known =
        engine::as_result(engine::Shard::current().ring().stat_open(fd.get(), status));
    if (!known) co_return std::unexpected(known.error());
  } else {
    const auto known = co_await file::stat(fd.get(), "", status);
    if (!known) co_return std::unexpected(known.error());
  }
  const auto born = status.stx_btime.tv_sec * 1'000'000'000LL + status.stx_btime.tv_nsec;
  co_return Directory{std::move(fd),
                      {.device = (std::uint64_t{status.stx_dev_major} << 32) | status.stx_dev_minor,
                       .inode = status.stx_ino,
                       .born_ns = static_cast<std::uint64_t>(born)}};
}

Task<Result<Directory>> open_directory(const StoreOptions& options, std::string_view bucket,
                                       MappedPath& path, std::size_t names) {
  if (options.abilities.local) {
    const BucketPath whole(bucket, path, names);
    if (whole.fits()) {
      auto cached = file::open_cached(options.data_fd, whole.c_str(), directory_flags);
      if (cached) co_return co_await identify(options, std::move(*cached));
      if (!cached.error().is(EAGAIN)) co_return std::unexpected(cached.error());
    }
  }
  auto opened = co_await open_names(options.data_fd, bucket, path, names, directory_flags);
  if (!opened) co_return std::unexpected(opened.error());
  co_return co_await identify(options, std::move(*opened));
}

Task<Result<>> sync_ancestors(const StoreOptions& options, SyncedDirectories& synced,
                              DirectorySyncs& syncs, std::string_view bucket, MappedPath& path,
                              std::size_t names, const Directory& directory) {
  if (synced.contains(directory.id)) co_return Result<>{};
  // The bucket's own entry lies in the data directory, that of name i in the directory of the
  // first i names.
  const auto data = co_await sync_file(options, options.data_fd);
  if (!data) co_return data;
  for (std::size_t above = 0; above < names; ++above) {
    const auto each = co_await open_directory(options, bucket, path, above);
    if (!each) co_return std::unexpected(each.error());
    const auto done = co_await sync_names(options, syncs, *each);
    if (!done) co_return done;
  }
  synced.add(directory.id);
  co_return Result<>{};
}

}  // namespace millrace::s3::store
