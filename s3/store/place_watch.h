// Whether the directories above kept objects still are where they were, without looking their
// names up: each of them is watched (inotify(7)) for its own moving, from the data directory's
// entries down, and the table of mounts for any change. Owned by one shard.
//
// An object whose path was looked up in one era stays at that path for the rest of the era, as
// long as its own inode has not changed: taking away or replacing the name of a file moves its
// change time (Abilities::names_stamp), and nothing but a move of a directory or a mount takes a
// name away otherwise. The watches see every process of this machine, which on a local filesystem
// is everybody. Writing into watched directories costs nobody anything: what happens to their
// entries is not asked for. Nor are changes of their permissions: who keeps an object looks its
// name up every second all the same.
#pragma once

#include "engine/descriptor.h"
#include "engine/ring.h"

#include <cstdint>
#include <string_view>
#include <unordered_set>

namespace millrace::s3::store {

inline constexpr std::size_t directories_watched_max = 8192;  // of a shard

class PlaceWatch {
 public:
  explicit PlaceWatch(int data_fd) : data_fd_(data_fd) {}
  PlaceWatch(const PlaceWatch&) = delete;
  PlaceWatch& operator=(const PlaceWatch&) = delete;

  // The present era; never 0. Asks the kernel once in each turn of the shard: a request that came
  // with this turn was sent before.
  std::uint64_t era();
  // Watches every directory above BUCKET/PATH as it is now; to be called before the look-up of the
  // whole path that is to hold for the era. False when one can't be watched, or changed meanwhile.
  bool watch(std::string_view path);
  // To be called now and then: drops the watches when no objects are left, and, not more often
  // than every few seconds, when there are no more to be had.
  void trim(std::size_t objects);

  std::size_t directories() const { return watches_.size(); }

 private:
  bool ready();
  bool watch_above(std::string_view path);
  void read_events();
  void begin_era();

  const int data_fd_;
  engine::Descriptor watcher_;
  engine::Descriptor mounts_;
  bool failed_ = false;
  std::uint64_t era_ = 1;
  std::uint64_t asked_turn_ = 0;
  std::uint64_t begun_ns_ = 0;
  std::unordered_set<int> watches_;
};

}  // namespace millrace::s3::store
