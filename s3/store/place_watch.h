// Whether the directories above kept objects still are where they were, without looking their
// names up: each of them is watched (inotify(7)) for its own moving, from the data directory's
// entries down, and the table of mounts for any change. Owned by one shard.
//
// An object whose path was looked up in one era stays at that path for the rest of the era, as
// long as its own inode has not changed: taking away or replacing the name of a file moves its
// change time (ext4, xfs, btrfs and tmpfs, which is what Abilities::local means), and nothing but
// a move of a directory or a mount takes a name away otherwise. The watches see every process of
// this machine, which on those filesystems is everybody. Writing into watched directories costs
// nobody anything: what happens to their entries is not asked for.
#pragma once

#include "engine/descriptor.h"
#include "engine/ring.h"

#include <cstdint>
#include <string>
#include <unordered_set>

namespace millrace::s3::store {

inline constexpr std::size_t directories_watched_max = 8192;  // of a shard; more are looked up

class PlaceWatch {
 public:
  explicit PlaceWatch(int data_fd) : data_fd_(data_fd) {}
  PlaceWatch(const PlaceWatch&) = delete;
  PlaceWatch& operator=(const PlaceWatch&) = delete;

  // The present era; never 0. Asks the kernel once in each turn of the shard: a request that came
  // with this turn was sent before.
  std::uint64_t era();
  // Watches every directory above BUCKET/PATH as it is now; to be called before the look-up that
  // is to hold for the era. False when one of them can't be watched: nothing holds then.
  bool watch(const char* path);
  // Drops the watches when they are far more than the objects that are left.
  void trim(std::size_t objects);

  std::size_t directories() const { return watches_.size(); }

 private:
  bool ready();
  bool watch_directory(const std::string& path);
  void read_events();
  void begin_era();

  const int data_fd_;
  engine::Descriptor watcher_;
  engine::Descriptor mounts_;
  bool failed_ = false;
  std::uint64_t era_ = 1;
  std::uint64_t asked_ns_ = 0;             // which turn
  std::unordered_set<std::string> paths_;  // that the watches are of
  std::unordered_set<int> watches_;
};

}  // namespace millrace::s3::store
