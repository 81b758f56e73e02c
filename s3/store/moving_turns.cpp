// The store's side of moving.h: every turn on a key begins with a look at what was left aside of
// it, and what nobody's turn finds is found at start.
#include "s3/store/moving.h"
#include "s3/store/store.h"

#include <fcntl.h>

namespace millrace::s3::store {

using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr int attempts_max = 1000;

// The way back from a mapped path; nothing when no key maps to it.
bool map_object(std::string_view object, MappedPath& path) {
  NameDecoder decoder;
  const auto usable = [](NameKind kind) {
    return kind != NameKind::foreign && kind != NameKind::system;
  };
  for (;;) {
    const std::size_t slash = object.find('/');
    if (slash == std::string_view::npos) break;
    if (!usable(decoder.directory(object.substr(0, slash)))) return false;
    object.remove_prefix(slash + 1);
  }
  if (!usable(decoder.file(object))) return false;
  const auto key = Key::from_decoded(decoder.key());
  if (!key) return false;
  map(*key, path);
  return true;
}

}  // namespace

Task<Result<KeyLocks::Held>> Store::lock_key(std::string_view bucket, MappedPath& path,
                                             std::size_t names, int parent) {
  const std::uint64_t begun_ns = engine::Shard::current().now_ns();
  auto held = co_await locks_.lock(bucket, object_view(path, names));
  if (locks_.shared()) {
    const auto excluded = co_await locks_.exclude_others(held, begun_ns);
    if (!excluded) co_return std::unexpected(excluded.error());
  }
  if (!options_.abilities.rename_exchange) {
    Mover mover(options_, synced_, syncs_, {bucket, path, names, parent});
    const auto repaired = co_await mover.repair();
    if (!repaired) co_return std::unexpected(repaired.error());
  }
  co_return held;
}

Task<Result<>> Store::move_into_directory(std::string_view bucket, MappedPath& path,
                                          std::size_t names, int above) {
  Mover mover(options_, synced_, syncs_, {bucket, path, names, above});
  co_return co_await mover.begin();
}

Task<Result<>> Store::finish_move(std::string_view bucket, std::string_view object, int moving) {
  MappedPath path;
  if (!map_object(object, path) || path.view() != object) co_return Result<>{};
  const MovingNames names(bucket, object);
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto aside = co_await may_be_moving(options_, bucket, object);
    if (!aside) co_return std::unexpected(aside.error());
    if (!*aside) {
      // Only a note: it goes under the lock, since a move that begins relies on it.
      const std::uint64_t begun_ns = engine::Shard::current().now_ns();
      auto held = co_await locks_.lock(bucket, object);
      if (locks_.shared()) {
        const auto excluded = co_await locks_.exclude_others(held, begun_ns);
        if (!excluded) co_return excluded;
      }
      aside = co_await may_be_moving(options_, bucket, object);
      if (!aside) co_return std::unexpected(aside.error());
      if (*aside) continue;
      const auto gone = co_await file::unlink(moving, names.note());
      co_return gone || gone.error().is(ENOENT) ? Result<>{} : gone;
    }
    const auto parent = co_await parent_for(bucket, path);
    if (!parent) co_return std::unexpected(parent.error());
    const std::uint64_t begun_ns = engine::Shard::current().now_ns();
    auto held = co_await locks_.lock(bucket, object);
    if (locks_.shared()) {
      const auto excluded = co_await locks_.exclude_others(held, begun_ns);
      if (!excluded) co_return excluded;
    }
    // Also with an exchange, which can't have left this: the data were copied here.
    Mover mover(options_, synced_, syncs_, {bucket, path, path.names(), parent->fd.get()});
    const auto repaired = co_await mover.repair();
    if (repaired) co_return Result<>{};
    if (!repaired.error().is(ENOENT) && !repaired.error().is(ENOTDIR)) co_return repaired;
  }
  co_return engine::fail_errno(EAGAIN);
}

Task<Result<std::size_t>> Store::finish_moves(std::string_view bucket) {
  std::string path(bucket);
  path.append("/").append(system_name).append("/").append(moving_directory_name);
  const auto moving = co_await file::open(options_.data_fd, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!moving && moving.error().is(ENOENT)) co_return std::size_t{0};
  if (!moving) co_return std::unexpected(moving.error());
  const auto objects = co_await noted_objects(moving->get());
  if (!objects) co_return std::unexpected(objects.error());
  Result<> outcome;
  for (const std::string& object : *objects) {
    const auto finished = co_await finish_move(bucket, object, moving->get());
    if (!finished) outcome = finished;  // the others come first
  }
  if (outcome && !objects->empty() && options_.durability != Durability::none) {
    outcome = co_await sync_moving(options_, syncs_, bucket, -1);
  }
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return objects->size();
}

}  // namespace millrace::s3::store
