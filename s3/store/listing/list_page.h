// One page of ListObjects: feeds the collector with the bucket's keys in order, and says of each
// that is shown what stands in the response. Strongly consistent: what was committed before the
// call is on it. Owned by the request, on one shard.
#pragma once

#include "s3/listing.h"
#include "s3/store/listing/directory_indexes.h"
#include "s3/store/listing/entry_facts.h"
#include "s3/store/metadata.h"
#include "s3/store/options.h"

#include <cstdint>
#include <string_view>

namespace millrace::s3::store {

// Views live for the call that shows it.
struct ListedEntry {
  std::string_view key;
  std::uint64_t size = 0;
  std::string_view etag;  // without quotes
  std::int64_t modified_ms = 0;
  StoredChecksum checksum = StoredChecksum::none;
  StoredChecksumType checksum_type = StoredChecksumType::full_object;
};

// Called in the order of the page; must not block.
struct ListSink {
  void (*object)(void* context, const ListedEntry& entry) = nullptr;
  void (*common_prefix)(void* context, std::string_view prefix) = nullptr;
  void* context = nullptr;
};

// `collector` was made from `parameters`, and says afterwards where the page ends and whether it
// is truncated. Never blocks the shard for much more than half a millisecond. Errors: ENOENT (no
// such bucket), and the system's.
engine::Task<engine::Result<>> list_page(const StoreOptions& options, DirectoryIndexes& indexes,
                                         EntryMemory& memory, std::string_view bucket,
                                         const ListParameters& parameters, Collector& collector,
                                         ListSink sink);

}  // namespace millrace::s3::store
