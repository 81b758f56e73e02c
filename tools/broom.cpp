// See broom.h.
#include "tools/broom.h"

#include "s3/store/bucket.h"
#include "s3/store/uploads/upload.h"

namespace millrace::tools {

namespace {

constexpr std::uint64_t day_seconds = 24 * 60 * 60;
// One directory after the other, each call when the one before is done: a few calls a bucket.
constexpr std::uint64_t pause_ms = 60 * 60 * 1000;

}  // namespace

Broom::Broom(engine::Shard& shard, s3::store::Store& store, BroomOptions options)
    : Timer(&Broom::due), shard_(shard), store_(store), options_(options) {}

void Broom::start() {
  shard_.tasks().adopt(sweep_at_start());
}

void Broom::due(Timer& self) {
  auto& broom = static_cast<Broom&>(self);
  if (!broom.shard_.stopping()) broom.shard_.tasks().adopt(broom.sweep_buckets(false));
}

// Staged files where they may be those of another container at work stay a day.
engine::Task<> Broom::sweep_at_start() {
  const std::uint64_t age_ns = options_.shared ? day_seconds * 1'000'000'000 : 0;
  const auto swept = co_await s3::store::sweep_staging(store_.options(), shard_.wall_ns() - age_ns);
  if (!swept) {
    engine::LogLine(shard_.log(), engine::LogLevel::warning, "leftovers could not be swept")
        .field("why", describe(swept.error()));
  }
  co_await sweep_buckets(true);
}

// The memory of completed uploads, from which a repeated Complete is answered, goes after a day.
engine::Task<> Broom::sweep_buckets(bool at_start) {
  s3::store::UploadAges ages{.leftover_seconds = day_seconds};
  if (options_.uploads_age_max_days > 0) {
    ages.upload_seconds = options_.uploads_age_max_days * day_seconds;
  }
  const auto buckets = co_await s3::store::list_buckets(store_.options());
  std::uint64_t removed = 0;
  if (buckets) {
    for (const s3::store::BucketInfo& bucket : *buckets) {
      if (shard_.stopping()) co_return;
      if (at_start) std::ignore = co_await store_.finish_moves(bucket.name);
      removed += (co_await s3::store::sweep_uploads(store_, bucket.name, ages)).value_or(0);
    }
  }
  // Also where there was nothing to do: who waits for an upload to go learns that it stays.
  engine::LogLine(shard_.log(), engine::LogLevel::info, "buckets swept")
      .field("uploads_removed", removed);
  if (!shard_.stopping()) shard_.arm(*this, pause_ms);
}

}  // namespace millrace::tools
