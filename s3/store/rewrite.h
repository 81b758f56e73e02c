// What was made of the object that a key has (an append, a copy onto itself) takes its place. It
// was read without the key's lock, so this is where a change that was acknowledged meanwhile is
// met: tags are taken over, anything else ends it. On the shard that owns the store.
#pragma once

#include "s3/store/store.h"

namespace millrace::s3::store {

struct Rewrite {
  std::string_view bucket;
  MappedPath& path;
  std::string_view key;
  const OpenObject& base;  // as it was read, with Detail::full
  bool keeps_tags = true;  // false: `meta` has those that the object is to have from now on
  CommitKind kind = CommitKind::put;
  Ownership owner;
  WriteConditions conditions;
};

// Seals the file and publishes it in place of `base`; what `meta` says of tags ends with it.
// Errors: ESTALE (the key has another object by now, or none), those of conditions.h for the
// conditions given, EAGAIN (its tags change all the time), and those of seal() and publish().
engine::Task<engine::Result<>> publish_rewrite(Store& store, const Rewrite& rewrite,
                                               StagedFile& staged, MetadataView& meta);

}  // namespace millrace::s3::store
