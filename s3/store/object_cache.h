// Objects that a shard has lately read, kept open with everything that is said about them, so
// that the next read of one need not open and describe it. Owned by one shard.
//
// A kept object is never believed: each use compares device, inode, size, modification and change
// time of the open file with what they were when it was described. The open descriptor keeps the
// inode's number from being given to another file, and any change of content, attribute or name
// moves the change time. A file that had changed less than two ticks of the filesystem's clock
// before it was described is not kept: a second change in the same tick would not show. What the
// file's own inode does not tell is a move of a directory above it: its second use looks the whole
// name up anew, and so does each later one, unless place_watch.h knows that nothing has moved, and
// at least one a second (for what no watch tells: permissions).
//
// The lookup takes what the kernel has in memory, or the object is forgotten: it never waits. The
// descriptor keeps the directory entries of its whole path there. Only objects of a local
// filesystem (Abilities::local), the data directory's own, are kept.
//
// The content of a small object is kept in memory beside it from its second read on, under the
// same proof. Only of objects that S3 wrote and nobody has touched since: whoever wants to write
// through a shared mapping must make a page writable first, and that stamps the file (not on
// tmpfs, whose contents are therefore not kept).
//
// What nobody has asked for in object_kept_idle_ns is closed, so that a file that was removed
// gives its space back.
#pragma once

#include "engine/shard.h"
#include "engine/stream.h"
#include "s3/store/object.h"
#include "s3/store/options.h"
#include "s3/store/paths.h"
#include "s3/store/place_watch.h"

#include <array>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::s3::store {

inline constexpr std::size_t objects_kept_max = 4096;  // of a shard
inline constexpr std::uint64_t object_kept_idle_ns = 5'000'000'000;
inline constexpr std::size_t kept_content_bytes_max = 8 * 1024;           // of an object
inline constexpr std::size_t kept_contents_bytes_max = 16 * 1024 * 1024;  // of a shard
inline constexpr std::size_t kept_path_bytes_max = 255;  // BUCKET/PATH; longer ones are not kept

class ObjectCache {
  struct Slot;

 public:
  // A share of an object: it stays open, and what it points to in place, while one lives.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept
        : cache_(other.cache_), slot_(std::exchange(other.slot_, nullptr)) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(cache_, other.cache_);
      std::swap(slot_, other.slot_);
      return *this;
    }
    ~Hold() {
      if (slot_ != nullptr) cache_->release(*slot_);
    }
    explicit operator bool() const { return slot_ != nullptr; }
    const OpenObject& operator*() const;
    const OpenObject* operator->() const { return &**this; }
    // The whole content, if it is in memory (and not empty).
    std::string_view content() const;
    // For engine::FileSource.
    engine::Cached* cached() const;

   private:
    friend class ObjectCache;
    Hold(ObjectCache& cache, Slot& slot);
    ObjectCache* cache_ = nullptr;
    Slot* slot_ = nullptr;
  };

  // objects_max 0 keeps nothing. `places` watches the data directory of `options`, and outlives
  // the cache.
  ObjectCache(const StoreOptions& options, PlaceWatch& places, std::size_t objects_max,
              std::uint64_t idle_ns = object_kept_idle_ns);
  ~ObjectCache();
  ObjectCache(const ObjectCache&) = delete;
  ObjectCache& operator=(const ObjectCache&) = delete;

  // The kept object, when it is one and still true; else nothing, and open() is to be asked.
  Hold find(std::string_view bucket, const MappedPath& path);
  // open_object (Detail::full), and keeps the object if it may.
  engine::Task<engine::Result<Hold>> open(std::string_view bucket, MappedPath& path,
                                          std::string_view key);

  std::size_t kept() const { return kept_; }
  // How often a kept object's name was looked up anew.
  std::uint64_t looks() const { return looks_; }

 private:
  struct Sweep : engine::Timer {
    explicit Sweep(ObjectCache& cache_in) : Timer(&ObjectCache::on_sweep), cache(cache_in) {}
    ObjectCache& cache;
  };

  static void on_sweep(engine::Timer& self);
  Slot& take_slot();
  void release(Slot& slot);
  void keep(Slot& slot, std::string_view bucket, const MappedPath& path);
  bool holds(Slot& slot);
  void keep_content(Slot& slot);
  void drop(Slot& slot);
  Slot** bucket_of(std::uint64_t hash) { return &table_[hash % table_.size()]; }

  const StoreOptions& options_;
  PlaceWatch& places_;
  const std::size_t objects_max_;
  const std::uint64_t idle_ns_;
  std::uint64_t device_ = 0;  // of the data directory
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> table_;
  Slot* free_ = nullptr;
  Slot* newest_ = nullptr;  // by last use
  Slot* oldest_ = nullptr;
  std::size_t kept_ = 0;
  std::size_t contents_bytes_ = 0;
  std::uint64_t looks_ = 0;
  bool ending_ = false;
  Sweep sweep_;
};

}  // namespace millrace::s3::store
