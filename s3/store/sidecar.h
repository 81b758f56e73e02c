// The part of an object's metadata that its attribute has no room for: a file in BUCKET/.mr.sys/
// meta/, named by the object's id and inode, durable before the object is published.
#pragma once

#include "s3/store/object.h"
#include "s3/store/options.h"

#include <cstddef>
#include <span>

namespace millrace::s3::store {

// BUCKET/.mr.sys/meta as it is: only a writer makes it.
engine::Task<engine::Result<engine::Descriptor>> open_meta(const StoreOptions& options,
                                                           std::string_view bucket);
// A whole file in there, durable; readers of the name see the one that was there or this one.
engine::Task<engine::Result<>> write_meta(const StoreOptions& options, std::string_view bucket,
                                          const char* name, std::span<const std::byte> bytes);

// Reads the sidecar that out.meta names into out.sidecar and out.meta's tables. ESTALE: there is
// none any more (the object was replaced meanwhile); corrupt: it is another one's.
engine::Task<engine::Result<>> load_sidecar(const StoreOptions& options, std::string_view bucket,
                                            OpenObject& out);

engine::Task<engine::Result<>> write_sidecar(const StoreOptions& options, std::string_view bucket,
                                             const ObjectId& id, std::uint64_t inode,
                                             std::span<const std::byte> bytes);

// Of an object that is gone. Failure is harmless: an orphan that nothing names.
engine::Task<void> remove_sidecar(const StoreOptions& options, std::string_view bucket,
                                  const ObjectId& id, std::uint64_t inode);

}  // namespace millrace::s3::store
