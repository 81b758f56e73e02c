// See object_cache.h.
#include "s3/store/object_cache.h"

#include "s3/store/read.h"

#include <fcntl.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace millrace::s3::store {

using engine::Result;
using engine::Shard;
using engine::Task;

namespace {
constexpr std::uint64_t sweep_ms = 250;
constexpr unsigned closed_at_a_time = 256;
constexpr std::uint64_t look_again_ns = 1'000'000'000;
}  // namespace

struct ObjectCache::Slot {
  OpenObject object;
  unsigned holds = 0;
  std::uint64_t used_ns = 0;
  std::uint64_t hash = 0;
  std::uint64_t era = 0;            // of places_, in which the path was looked up and watched
  std::uint64_t unwatched_era = 0;  // in which it could not be watched
  std::uint64_t looked_ns = 0;
  engine::Cached cached;
  Slot* next = nullptr;  // of the same bucket of the table; of a free one: the next free one
  Slot* newer = nullptr;
  Slot* older = nullptr;
  std::unique_ptr<char[]> content;  // of file_size bytes
  std::array<char, kept_path_bytes_max + 1> path;
};

ObjectCache::Hold::Hold(ObjectCache& cache, Slot& slot) : cache_(&cache), slot_(&slot) {
  ++slot.holds;
}

const OpenObject& ObjectCache::Hold::operator*() const {
  return slot_->object;
}

std::string_view ObjectCache::Hold::content() const {
  return slot_->content ? std::string_view(slot_->content.get(), slot_->object.file_size)
                        : std::string_view{};
}

engine::Cached* ObjectCache::Hold::cached() const {
  return &slot_->cached;
}

ObjectCache::ObjectCache(const StoreOptions& options, PlaceWatch& places, std::size_t objects_max,
                         std::uint64_t idle_ns)
    : options_(options),
      places_(places),
      // Where an object may be aside under another name for a moment, a lookup proves nothing.
      objects_max_(options.abilities.local && !options.abilities.shared &&
                           options.abilities.rename_exchange
                       ? objects_max
                       : 0),
      idle_ns_(idle_ns),
      table_(objects_max_ * 2),
      sweep_(*this) {
  struct statx status{};
  if (objects_max_ == 0) return;
  CHECK(Shard::current().ring().stat_open(options.data_fd, status) == 0);
  device_ = device_of(status);
}

ObjectCache::~ObjectCache() {
  ending_ = true;
  while (oldest_ != nullptr) drop(*oldest_);
}

ObjectCache::Hold ObjectCache::find(std::string_view bucket, const MappedPath& path) {
  if (kept_ == 0) return {};
  const BucketPath name(bucket, path, path.names());
  if (!name.fits()) return {};
  const std::string_view text(name.c_str());
  const std::uint64_t hash = XXH3_64bits(text.data(), text.size());
  Slot* slot = *bucket_of(hash);
  while (slot != nullptr && (slot->hash != hash || text != slot->path.data())) slot = slot->next;
  if (slot == nullptr) return {};
  if (!holds(*slot)) {
    drop(*slot);
    return {};
  }
  Shard& shard = Shard::current();
  shard.page().objects_kept_hits.add();
  slot->used_ns = shard.now_ns();
  if (!slot->content && slot->object.file_size <= kept_content_bytes_max) keep_content(*slot);
  if (slot != newest_) {
    (slot->older != nullptr ? slot->older->newer : oldest_) = slot->newer;
    slot->newer->older = slot->older;
    slot->older = newest_;
    slot->newer = nullptr;
    newest_->newer = slot;
    newest_ = slot;
  }
  return {*this, *slot};
}

// By the same rules as a first open: nothing is followed out of the data directory, and what is
// not in the kernel's caches is not waited for.
bool ObjectCache::holds(Slot& slot) {
  Shard& shard = Shard::current();
  engine::Ring& ring = shard.ring();
  const bool may_watch = options_.abilities.names_stamp;
  const std::uint64_t era = may_watch ? places_.era() : 0;
  struct statx status{};
  if (may_watch && slot.era == era && shard.now_ns() - slot.looked_ns < look_again_ns) {
    return ring.stat_open(slot.object.file.get(), status) == 0 && slot.object.unchanged(status);
  }
  if (may_watch && slot.era != era && slot.unwatched_era != era) {
    (places_.watch(slot.path.data()) ? slot.era : slot.unwatched_era) = era;
  }
  ++looks_;
  slot.looked_ns = shard.now_ns();
  const auto found = engine::file::open_cached(options_.data_fd, slot.path.data(), O_PATH);
  return found && ring.stat_open(found->get(), status) == 0 && slot.object.unchanged(status);
}

Task<Result<ObjectCache::Hold>> ObjectCache::open(std::string_view bucket, MappedPath& path,
                                                  std::string_view key) {
  Hold hold(*this, take_slot());
  Slot& slot = *hold.slot_;
  const auto looked_ns = static_cast<std::int64_t>(Shard::current().wall_ns());
  const auto opened = co_await open_object(options_, bucket, path, key, Detail::full, slot.object);
  if (!opened) co_return std::unexpected(opened.error());
  if (slot.object.changed_ns < looked_ns - stamps_settle_ns(options_.abilities) &&
      slot.object.device == device_ && !slot.object.meta.sidecar.present) {
    keep(slot, bucket, path);
  }
  co_return hold;
}

void ObjectCache::keep(Slot& slot, std::string_view bucket, const MappedPath& path) {
  if (objects_max_ == 0) return;
  const BucketPath name(bucket, path, path.names());
  if (!name.fits()) return;
  const std::string_view text(name.c_str());
  if (text.size() > kept_path_bytes_max) return;
  slot.hash = XXH3_64bits(text.data(), text.size());
  for (Slot* other = *bucket_of(slot.hash); other != nullptr; other = other->next) {
    // Another request was faster; its object is as good, or its next use will tell.
    if (other->hash == slot.hash && text == other->path.data()) return;
  }
  if (kept_ == objects_max_) drop(*oldest_);
  std::memcpy(slot.path.data(), text.data(), text.size() + 1);
  slot.used_ns = Shard::current().now_ns();
  slot.next = std::exchange(*bucket_of(slot.hash), &slot);
  slot.older = newest_;
  slot.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &slot;
  newest_ = &slot;
  ++slot.holds;  // the cache's own
  if (kept_++ == 0) Shard::current().arm(sweep_, sweep_ms);
  Shard::current().page().objects_kept.set(kept_);
}

void ObjectCache::keep_content(Slot& slot) {
  const std::size_t bytes = slot.object.file_size;
  if (!slot.object.native || !options_.abilities.persistent || bytes == 0 ||
      contents_bytes_ + bytes > kept_contents_bytes_max)
    return;
  auto content = std::make_unique_for_overwrite<char[]>(bytes);
  const auto got = Shard::current().ring().read_cached(
      slot.object.file.get(), std::as_writable_bytes(std::span(content.get(), bytes)), 0);
  if (got != static_cast<std::int64_t>(bytes)) return;
  slot.content = std::move(content);
  contents_bytes_ += bytes;
}

void ObjectCache::drop(Slot& slot) {
  Slot** at = bucket_of(slot.hash);
  while (*at != &slot) at = &(*at)->next;
  *at = slot.next;
  (slot.older != nullptr ? slot.older->newer : oldest_) = slot.newer;
  (slot.newer != nullptr ? slot.newer->older : newest_) = slot.older;
  --kept_;
  if (!ending_) Shard::current().page().objects_kept.set(kept_);
  release(slot);
}

void ObjectCache::on_sweep(engine::Timer& self) {
  ObjectCache& cache = static_cast<Sweep&>(self).cache;
  Shard& shard = Shard::current();
  for (unsigned closed = 0; closed < closed_at_a_time && cache.oldest_ != nullptr; ++closed) {
    if (cache.oldest_->used_ns + cache.idle_ns_ >= shard.now_ns()) break;
    cache.drop(*cache.oldest_);
  }
  cache.places_.trim(cache.kept_);
  if (cache.kept_ > 0) shard.arm(cache.sweep_, sweep_ms);
}

ObjectCache::Slot& ObjectCache::take_slot() {
  if (free_ == nullptr) return *slots_.emplace_back(std::make_unique_for_overwrite<Slot>());
  Slot& slot = *free_;
  free_ = slot.next;
  std::destroy_at(&slot);
  return *new (&slot) Slot;
}

void ObjectCache::release(Slot& slot) {
  if (--slot.holds > 0) return;
  if (!ending_) let_go(slot.object);
  slot.object.file.reset();
  if (slot.content) contents_bytes_ -= slot.object.file_size;
  slot.content.reset();
  slot.object.large_attribute = {};
  slot.object.sidecar = {};
  slot.next = std::exchange(free_, &slot);
}

}  // namespace millrace::s3::store
