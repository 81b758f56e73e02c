// See bucket_policies.h.
#include "s3/bucket_policies.h"

#include "engine/shard.h"
#include "s3/policy/parse.h"
#include "s3/store/paths.h"
#include "s3/store/settings.h"

#include <functional>

namespace millrace::s3 {

using engine::Result;
using engine::Task;

BucketPolicies::BucketPolicies(const store::StoreOptions& options, store::PlaceWatch& places,
                               std::string owner)
    : options_(options), places_(places), owner_(std::move(owner)), slots_(slot_count) {
  // So that noting a bucket without a policy takes nothing from the heap.
  for (Slot& slot : slots_) slot.bucket.reserve(store::bucket_name_bytes_max);
}

BucketPolicies::Slot& BucketPolicies::slot_of(std::string_view bucket) {
  return slots_[std::hash<std::string_view>()(bucket) % slot_count];
}

std::optional<BucketPolicies::Known> BucketPolicies::read_since(std::string_view bucket,
                                                                std::uint64_t not_before_ns) const {
  const Slot& slot = slots_[std::hash<std::string_view>()(bucket) % slot_count];
  if (slot.read_ns == 0 || slot.read_ns < not_before_ns || slot.bucket != bucket) {
    return std::nullopt;
  }
  return slot.document.get();
}

Result<> BucketPolicies::take(Slot& slot, std::string_view bucket, std::uint64_t began_ns,
                              std::optional<std::string> text) {
  // Somebody who began later has been here: what he found is newer.
  if (slot.read_ns > began_ns && slot.bucket == bucket) return {};
  const bool same = slot.read_ns != 0 && slot.bucket == bucket && slot.document != nullptr &&
                    text && slot.text == *text;
  if (!same) {
    slot.read_ns = 0;
    slot.block_read_ns = 0;
    slot.stamp = {};
    slot.document.reset();
    slot.text.clear();
    slot.bucket.assign(bucket);
    if (text) {
      auto document = policy::parse(*text, bucket, owner_);
      if (!document) {
        engine::LogLine(engine::Shard::current().log(), engine::LogLevel::error,
                        "a bucket's policy cannot be understood")
            .field("bucket", bucket)
            .field("why", document.error());
        return engine::fail(engine::Errc::corrupt);
      }
      slot.document = std::make_unique<const policy::Document>(std::move(*document));
      slot.text = std::move(*text);
    }
  }
  slot.read_ns = began_ns;
  return {};
}

Task<Result<BucketPolicies::Known>> BucketPolicies::read(std::string_view bucket) {
  const std::uint64_t began_ns = engine::Shard::current().ring().monotonic_ns();
  auto text = co_await store::read_setting(options_, bucket, store::Setting::policy);
  if (!text) {
    forget(bucket);
    co_return std::unexpected(text.error());
  }
  Slot& slot = slot_of(bucket);
  const auto taken = take(slot, bucket, began_ns, std::move(*text));
  if (!taken) co_return std::unexpected(taken.error());
  co_return slot.document.get();
}

Task<Result<BucketPolicies::Access>> BucketPolicies::read_access(std::string_view bucket) {
  auto stamp = store::SettingsStamp::take(options_, places_, bucket);
  const std::uint64_t began_ns = engine::Shard::current().ring().monotonic_ns();
  const auto block = co_await read_public_access_block(options_, bucket);
  if (!block) co_return std::unexpected(block.error());
  const auto known = co_await read(bucket);
  if (!known) co_return std::unexpected(known.error());
  const Access access{.policy = *known,
                      .restricts_public = *block && (*block)->restrict_public_buckets};
  // What the slot has was read after the stamp was taken, whoever did it.
  if (Slot& slot = slot_of(bucket); slot.bucket == bucket && slot.read_ns >= began_ns) {
    slot.stamp = std::move(stamp);
    slot.block_read_ns = began_ns;
    slot.restricts_public = access.restricts_public;
  }
  co_return access;
}

std::optional<BucketPolicies::Access> BucketPolicies::proven(std::string_view bucket) {
  const Slot& slot = slot_of(bucket);
  if (slot.read_ns == 0 || slot.bucket != bucket || !slot.stamp.holds(places_)) return std::nullopt;
  return Access{.policy = slot.document.get(), .restricts_public = slot.restricts_public};
}

std::optional<BucketPolicies::Access> BucketPolicies::access_since(std::string_view bucket,
                                                                   std::uint64_t not_before_ns) {
  const Slot& slot = slot_of(bucket);
  if (!read_since(bucket, not_before_ns) || slot.block_read_ns < not_before_ns) return std::nullopt;
  return Access{.policy = slot.document.get(), .restricts_public = slot.restricts_public};
}

void BucketPolicies::forget(std::string_view bucket) {
  Slot& slot = slot_of(bucket);
  if (slot.bucket != bucket) return;
  slot.read_ns = 0;
  slot.block_read_ns = 0;
  slot.stamp = {};
}

Task<Result<std::optional<xml::PublicAccessBlock>>> read_public_access_block(
    const store::StoreOptions& options, std::string_view bucket) {
  auto text = co_await store::read_setting(options, bucket, store::Setting::public_access_block);
  if (!text) co_return std::unexpected(text.error());
  if (!*text) co_return std::optional<xml::PublicAccessBlock>();
  const auto block = xml::parse_public_access_block(**text);
  if (!block) co_return engine::fail(engine::Errc::corrupt);
  co_return std::optional(*block);
}

}  // namespace millrace::s3
