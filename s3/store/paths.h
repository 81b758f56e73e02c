// From a bucket and a mapped key to open descriptors, whatever the length of the path. Paths are
// looked up below the data directory in one call (BUCKET/NAME/NAME), or in hops where they
// exceed PATH_MAX. Owned by the request.
#pragma once

#include "engine/file.h"
#include "s3/store/names.h"
#include "s3/store/options.h"

#include <array>
#include <string_view>

namespace millrace::s3::store {

inline constexpr std::size_t bucket_name_bytes_max = 63;

// BUCKET/NAME/... of the first `names` names, NUL-terminated; usable when fits() is true.
class BucketPath {
 public:
  BucketPath(std::string_view bucket, const MappedPath& path, std::size_t names);
  bool fits() const { return fits_; }
  const char* c_str() const { return text_.data(); }

 private:
  std::array<char, hop_bytes_max + 1> text_;
  bool fits_ = false;
};

// Opens the first `names` names of the path below BUCKET (none: the bucket itself).
engine::Task<engine::Result<engine::Descriptor>> open_names(int data_fd, std::string_view bucket,
                                                            MappedPath& path, std::size_t names,
                                                            int flags);

// Opens one of Millrace's own directories, BUCKET/.mr.sys/NAME, making it (and .mr.sys) when it
// is not there. `name` may be empty: then .mr.sys itself. ENOENT: no such bucket.
engine::Task<engine::Result<engine::Descriptor>> open_system_directory(const StoreOptions& options,
                                                                       std::string_view bucket,
                                                                       std::string_view name);

// "PREFIX" and the id in hexadecimal digits: with random_id() a name nobody else has. At most 16
// bytes of id. NUL-terminated.
struct UniqueName {
  std::array<char, 48> text{};
  const char* c_str() const { return text.data(); }
};
UniqueName unique_name(std::string_view prefix, std::span<const std::uint8_t> id);
// 16 random bytes (getrandom).
std::array<std::uint8_t, 16> random_id();

}  // namespace millrace::s3::store
