// What DirectoryIndexes keeps beside each index. Owned by one shard; freed when it is neither
// in the table nor in any handle.
#pragma once

#include "s3/store/listing/directory_indexes.h"

namespace millrace::s3::store {

// The times that tell whether a directory was changed. ctime too: mtime can be set.
struct ChangeTimes {
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const ChangeTimes&) const = default;
};

struct IndexHandle::Node {
  struct Pending {
    std::string name;
    std::uint32_t mask;
  };

  explicit Node(bool in_chain) : index(in_chain) {}

  DirectoryIndex index;
  DirectoryIdentity identity;
  ChangeTimes times;  // of the scan, where no watch proves it
  int watch = -1;     // -1: proved by its times
  unsigned references = 0;
  bool cached = false;      // in the table
  bool building = false;    // being scanned: events wait in `pending`
  bool spoiled = false;     // good for the page that built it, not for later ones
  std::uint64_t begun = 0;  // when its scan was, by the owner's count
  std::uint64_t used = 0;
  std::uint64_t events_since_use = 0;
  std::vector<Pending> pending;
  std::vector<std::coroutine_handle<>> waiters;  // for the end of building
};

}  // namespace millrace::s3::store
