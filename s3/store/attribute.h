// Where the packed attribute of an object's file is kept: in the file itself (user.millrace) or,
// on a filesystem without user attributes (Abilities::attribute_bytes_max is 0), in a file of its
// own, BUCKET/.mr.sys/meta/a-INODE-MTIME. Inode and modification time are what the attribute was
// made for: a file that was changed or copied from outside finds none, as it should.
#pragma once

#include "s3/store/object.h"
#include "s3/store/options.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace millrace::s3::store {

struct AttributePlace {
  int fd = -1;
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;
};

// The size. ENODATA (or EOPNOTSUPP): none in the file. ESTALE: none beside it: its object was
// replaced meanwhile, or it has never had one. ERANGE: larger than `into`. `cached`: the file's
// inode is in memory.
engine::Task<engine::Result<std::size_t>> read_attribute(const StoreOptions& options,
                                                         std::string_view bucket,
                                                         AttributePlace place, bool cached,
                                                         std::span<std::byte> into);

// `place.mtime_ns` is the time that the file is going to have. Beside the file it is durable when
// this returns; in it, with the file's next sync.
engine::Task<engine::Result<>> write_attribute(const StoreOptions& options, std::string_view bucket,
                                               AttributePlace place,
                                               std::span<const std::byte> bytes);

// Of an object that is gone; nothing to do where it was in the file. Failure is harmless: what is
// left names an inode and a time that no other file has.
engine::Task<void> remove_attribute(const StoreOptions& options, std::string_view bucket,
                                    std::uint64_t inode, std::int64_t mtime_ns);

// What meta/ has of an object, to be removed once it is sure that the object won't come back.
struct GoneMeta {
  ObjectId id{};
  std::uint64_t inode = 0;
  std::int64_t mtime_ns = 0;
  bool sidecar = false;
};
// None of a file from outside, and none of one that has other names: they keep it.
std::optional<GoneMeta> meta_of(const OpenObject& object);
engine::Task<void> remove_meta(const StoreOptions& options, std::string_view bucket, GoneMeta gone);

}  // namespace millrace::s3::store
