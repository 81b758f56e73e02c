// Buckets: the top-level directories of the data directory whose names are valid. One made by
// hand is a bucket with default settings. Owned by the request; names were checked with
// bucket_name_valid() before they come here.
#pragma once

#include "s3/store/options.h"

#include "engine/task.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3::store {

struct BucketInfo {
  std::string name;
  std::int64_t created_ms = 0;  // since 1970; of the directory, for one that was made by hand
};

// EEXIST: there is one. ENOTDIR: something else has the name.
engine::Task<engine::Result<>> create_bucket(const StoreOptions& options, std::string_view bucket,
                                             std::string_view owner, const Ownership& ownership);

// ENOENT: no such bucket. ENOTEMPTY: it holds an object. Unfinished uploads go with it.
engine::Task<engine::Result<>> delete_bucket(const StoreOptions& options, std::string_view bucket);

engine::Task<engine::Result<bool>> bucket_exists(const StoreOptions& options,
                                                 std::string_view bucket);

// All of them, by name.
engine::Task<engine::Result<std::vector<BucketInfo>>> list_buckets(const StoreOptions& options);

// Removes what a process that ended before `started_ns` (since 1970) left in the staging
// directories and of deleted buckets. Only when no other process serves the same data.
engine::Task<engine::Result<>> sweep_staging(const StoreOptions& options, std::uint64_t started_ns);

}  // namespace millrace::s3::store
