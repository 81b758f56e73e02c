// What a store is told when it is made: where, how durable, and what the filesystem can do.
// Plain values, fixed for the life of the process and shared by all shards.
#pragma once

#include "s3/store/abilities.h"
#include "s3/store/metadata.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::s3::store {

// What is on stable storage before a request is acknowledged.
enum class Durability : std::uint8_t {
  strict,  // file, attribute and names
  data,    // file and attribute, before the name is published; the directory is not synced
  none,    // nothing: survives the end of the process, not a power cut
};

enum class CommitKind : std::uint8_t { put, copy, complete_upload, remove };

// Yielded once for every change of an object that has been committed. Views live for the call.
struct CommitEvent {
  CommitKind kind;
  std::string_view bucket;
  std::string_view key;
  ObjectId id{};  // of the object; zero for what came from outside S3
  std::optional<std::uint64_t> size_before;
  std::optional<std::uint64_t> size_after;
};

// Who is told of commits (audit, quota, usage, notifications). On the shard's thread; must not
// block.
struct CommitSink {
  void (*on_commit)(void* context, const CommitEvent& event) = nullptr;
  void* context = nullptr;
};

struct StoreOptions {
  int data_fd = -1;  // the data directory; outlives every store
  Durability durability = Durability::strict;
  Abilities abilities;
  CommitSink commits;
  // Set when an fsync has failed: the filesystem may have lost what it had taken. Whoever watches
  // it takes it down.
  std::atomic<bool>* suspect = nullptr;
  unsigned file_mode = 0644;
  unsigned directory_mode = 0755;
};

// Owner of what a principal creates.
struct Ownership {
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

}  // namespace millrace::s3::store
