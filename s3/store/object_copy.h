// One object made from another one's bytes (CopyObject). The source is one open descriptor, and
// what is said of the copy belongs to the bytes that were read from it. On the shard that owns the
// store.
#pragma once

#include "s3/store/copy_bytes.h"

namespace millrace::s3::store {

// Whether a copy keeps what is known of its source, or is read once and digested anew.
struct CopyPlan {
  bool read = false;
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;  // to compute, when read
};
// `wanted`: none keeps the checksum that there is. An ETag that is an MD5, or that of parts, is
// kept with all tables; an opaque one (from outside, or of appended data) names that very file, so
// such a source is read and the copy has an MD5. A new checksum is only to be had by reading.
CopyPlan plan_copy(const OpenObject& source, ChecksumAlgorithm wanted);

// Whether the block digests cover the whole object.
bool blocks_complete(const MetadataView& object);

// Returns once a change of the source can no longer hide behind the time stamp that it has now: a
// file from outside may have been written within the clock's last tick.
engine::Task<void> settle_source(const StoreOptions& options, const OpenObject& source);
// ESTALE: the file was written to since it was opened. That it lost its name does not matter.
engine::Task<engine::Result<>> check_unwritten(const OpenObject& source);

struct CopyTarget {
  std::string_view bucket;
  MappedPath& path;
  std::string_view key;
  Ownership owner;
  WriteConditions conditions;
  Asker asker;
  // The source is the object that the key has: then that is what is replaced, and no other; and
  // with `keeps_tags` the copy has the tags that the object has when it is.
  bool onto_itself = false;
  bool keeps_tags = false;
};

// Publishes `meta` with the source's content. `meta` says of content type, fields, user metadata
// and tags what the copy shall say; everything about the content is set here. Errors: ENOENT (no
// such bucket to copy to), those of conditions.h, ESTALE (the source was changed meanwhile; of a
// copy onto itself also: replaced or removed), corrupt (the source is not what its own digests
// say), cancelled, and the system's.
engine::Task<engine::Result<>> copy_object(Store& store, const OpenObject& source, CopyPlan plan,
                                           const CopyTarget& target, MetadataView& meta);

}  // namespace millrace::s3::store
