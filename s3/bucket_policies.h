// The policies of buckets as one shard has read them last. What decides is the file: a stranger's
// request reads it, or proves that it is what was read (store/settings_stamp.h); the owner's look
// once a second, so that they do not pay for a policy that is not there. Belongs to one shard.
#pragma once

#include "s3/policy/document.h"
#include "s3/store/options.h"
#include "s3/store/settings_stamp.h"
#include "s3/xml/public_access_block.h"

#include "engine/task.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3 {

class BucketPolicies {
 public:
  // `owner` is who a policy can name. `places` outlives this.
  BucketPolicies(const store::StoreOptions& options, store::PlaceWatch& places, std::string owner);

  // Null: the bucket has none. Valid until the caller waits for something.
  using Known = const policy::Document*;
  // What decides about strangers.
  struct Access {
    Known policy = nullptr;
    bool restricts_public = false;  // RestrictPublicBuckets of the public access block
  };

  // What was read at or after this time (monotonic); nothing where that was not done.
  std::optional<Known> read_since(std::string_view bucket, std::uint64_t not_before_ns) const;

  // Reads it. Errors: ENOENT (no such bucket); corrupt, unsupported: there is a policy that cannot
  // be understood, which was logged; those of the filesystem.
  engine::Task<engine::Result<Known>> read(std::string_view bucket);

  // Both documents, with the same errors; and the same without any reading, where it is known that
  // neither has changed.
  engine::Task<engine::Result<Access>> read_access(std::string_view bucket);
  std::optional<Access> proven(std::string_view bucket);
  // What was read at or after this time (monotonic).
  std::optional<Access> access_since(std::string_view bucket, std::uint64_t not_before_ns);

  // After a change through this shard.
  void forget(std::string_view bucket);

 private:
  struct Slot {
    std::string bucket;
    std::uint64_t read_ns = 0;  // when the reading began; 0: nothing is known
    std::string text;
    std::unique_ptr<const policy::Document> document;  // null: none
    store::SettingsStamp stamp;                        // vouches for both documents
    std::uint64_t block_read_ns = 0;
    bool restricts_public = false;
  };
  Slot& slot_of(std::string_view bucket);
  engine::Result<> take(Slot& slot, std::string_view bucket, std::uint64_t began_ns,
                        std::optional<std::string> text);

  static constexpr std::size_t slot_count = 256;
  const store::StoreOptions& options_;
  store::PlaceWatch& places_;
  const std::string owner_;
  std::vector<Slot> slots_;
};

// The bucket's public access block, or nothing. Errors as of BucketPolicies::read.
engine::Task<engine::Result<std::optional<xml::PublicAccessBlock>>> read_public_access_block(
    const store::StoreOptions& options, std::string_view bucket);

}  // namespace millrace::s3
