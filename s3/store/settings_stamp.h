// Proof that what was read of a bucket's settings is still what they are, without reading them
// again. They are replaced as whole files in one directory, whose modification and change times
// tell each replacement; that the directory still is the bucket's is what place_watch.h knows.
// A document that was written in place, past S3, shows when the owner of the stamp reads anew,
// which he must do at least every settings_read_again_ns. Owned by one shard.
#pragma once

#include "engine/descriptor.h"
#include "s3/store/options.h"
#include "s3/store/place_watch.h"

#include <cstdint>
#include <string_view>

namespace millrace::s3::store {

inline constexpr std::uint64_t settings_read_again_ns = 1'000'000'000;

class SettingsStamp {
 public:
  SettingsStamp() = default;

  // To be taken before the reading that it is to vouch for. It proves nothing where the bucket has
  // no settings, where other hosts may change them, and where they have just changed: a second
  // change within one tick of the filesystem's clock would not show.
  static SettingsStamp take(const StoreOptions& options, PlaceWatch& places,
                            std::string_view bucket);

  // Whether nothing has changed since.
  bool holds(PlaceWatch& places) const;

 private:
  engine::Descriptor directory_;  // none: proves nothing
  std::uint64_t era_ = 0;
  std::uint64_t taken_ns_ = 0;
  std::uint64_t inode_ = 0;
  std::int64_t modified_ns_ = 0;
  std::int64_t changed_ns_ = 0;
};

}  // namespace millrace::s3::store
