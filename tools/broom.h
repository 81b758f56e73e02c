// The broom of a server's first shard: what processes that ended have left is taken away at start,
// and from then on once an hour what nobody wants any more. Owned by that shard.
#pragma once

#include "engine/shard.h"
#include "s3/store/store.h"

#include <cstdint>

namespace millrace::tools {

struct BroomOptions {
  bool shared = false;                     // other containers work in the same data directory
  std::uint32_t uploads_age_max_days = 0;  // 0: uploads stay until they are ended
};

class Broom : engine::Timer {
 public:
  Broom(engine::Shard& shard, s3::store::Store& store, BroomOptions options);

  void start();

 private:
  static void due(Timer& self);
  engine::Task<> sweep_at_start();
  engine::Task<> sweep_buckets(bool at_start);

  engine::Shard& shard_;
  s3::store::Store& store_;
  const BroomOptions options_;
};

}  // namespace millrace::tools
