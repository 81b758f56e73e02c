// Finding and opening objects. Reads take no lock: whatever moves a name keeps the object
// reachable under its path, or under PATH/.mr.f, at every moment. Owned by one shard.
#pragma once

#include "s3/store/object.h"
#include "s3/store/options.h"
#include "s3/store/paths.h"

namespace millrace::s3::store {

// What is to be read of an object beside its head.
enum class Detail : std::uint8_t {
  head,  // size, times, ETag, content type, headers
  full,  // and the tables that may lie in the sidecar: user metadata, parts
};

// Errors: ENOENT (no such object, or no such bucket), corrupt, unsupported, and the system's.
engine::Task<engine::Result<>> open_object(const StoreOptions& options, std::string_view bucket,
                                           MappedPath& path, std::string_view key, Detail detail,
                                           OpenObject& out);

// The same for a file that is already open (a listing's, or one about to be replaced).
engine::Task<engine::Result<>> describe_object(const StoreOptions& options, std::string_view bucket,
                                               std::string_view key, Detail detail,
                                               OpenObject& out);

// Opens and describes (Detail::head) the object whose name in an open directory is `leaf`, as a
// listing finds it; also when the name has become a directory meanwhile. An object whose
// attribute can't be read by this version, or is damaged, is described as a foreign file.
// ENOENT: none there (any more), or it is no regular file; ENOTDIR: `leaf` is NAME/.mr.f, and NAME
// is a file.
engine::Task<engine::Result<>> open_entry(const StoreOptions& options, std::string_view bucket,
                                          int directory, const char* leaf, std::string_view key,
                                          OpenObject& out);

}  // namespace millrace::s3::store
