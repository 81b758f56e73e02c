// Whether a tree holds any object at all: what decides about common prefixes and about removing a
// bucket. Stops at the first one; nothing is sorted. Owned by the request.
#pragma once

#include "engine/file.h"
#include "s3/store/names.h"
#include "s3/store/options.h"

#include <cerrno>
#include <string_view>

namespace millrace::s3::store {

// What opening a directory gives that another actor has removed or replaced.
inline bool directory_gone(const engine::Error& error) {
  return error.is(ENOENT) || error.is(ENOTDIR) || error.is(ELOOP);
}
inline bool refused(NameKind kind) {
  return kind == NameKind::foreign || kind == NameKind::system;
}

// Opens a directory to read it; `local` tries the kernel's caches first.
engine::Task<engine::Result<engine::Descriptor>> open_to_read(bool local, int directory,
                                                              const char* path);

// Below an open directory, read from its descriptor's position. `decoder` has gone down to it. The
// object that is the directory's own key (`.mr.f`) isn't below it.
engine::Task<engine::Result<bool>> any_object_below(const StoreOptions& options,
                                                    engine::Descriptor directory,
                                                    const NameDecoder& decoder);

// In the whole bucket, whatever is in .mr.sys. ENOENT: no such bucket.
engine::Task<engine::Result<bool>> holds_object(const StoreOptions& options,
                                                std::string_view bucket);

}  // namespace millrace::s3::store
