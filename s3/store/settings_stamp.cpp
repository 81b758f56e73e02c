// See settings_stamp.h.
#include "s3/store/settings_stamp.h"

#include "engine/file.h"
#include "engine/shard.h"
#include "s3/store/object.h"
#include "s3/store/settings.h"

#include <fcntl.h>

namespace millrace::s3::store {

using engine::Shard;

SettingsStamp SettingsStamp::take(const StoreOptions& options, PlaceWatch& places,
                                  std::string_view bucket) {
  const Abilities& abilities = options.abilities;
  if (!abilities.local || abilities.shared || !abilities.names_stamp) return {};
  const SettingsPath path(bucket);
  Shard& shard = Shard::current();
  SettingsStamp stamp;
  stamp.era_ = places.era();
  stamp.taken_ns_ = shard.ring().monotonic_ns();
  const auto wall_ns = static_cast<std::int64_t>(shard.wall_ns());
  if (!places.watch(path.c_str())) return {};
  auto directory =
      engine::file::open_cached(options.data_fd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  struct statx now{};
  struct statx data{};
  if (!directory || shard.ring().stat_open(directory->get(), now) != 0 ||
      shard.ring().stat_open(options.data_fd, data) != 0 || device_of(now) != device_of(data) ||
      stamp.era_ != places.era()) {
    return {};
  }
  stamp.inode_ = now.stx_ino;
  stamp.modified_ns_ = nanoseconds_of(now.stx_mtime);
  stamp.changed_ns_ = nanoseconds_of(now.stx_ctime);
  if (stamp.changed_ns_ >= wall_ns - stamps_settle_ns(abilities)) return {};
  stamp.directory_ = std::move(*directory);
  return stamp;
}

bool SettingsStamp::holds(PlaceWatch& places) const {
  if (!directory_ || places.era() != era_) return false;
  Shard& shard = Shard::current();
  if (shard.now_ns() > taken_ns_ + settings_read_again_ns) return false;
  struct statx now{};
  return shard.ring().stat_open(directory_.get(), now) == 0 && now.stx_nlink > 0 &&
         now.stx_ino == inode_ && nanoseconds_of(now.stx_mtime) == modified_ns_ &&
         nanoseconds_of(now.stx_ctime) == changed_ns_;
}

}  // namespace millrace::s3::store
