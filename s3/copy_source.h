// What x-amz-copy-source and x-amz-copy-source-range say ("CopyObject" and "UploadPartCopy" in the
// S3 API reference). Pure; any thread.
#pragma once

#include "s3/error.h"
#include "s3/store/key.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace millrace::s3 {

struct CopySource {
  std::array<char, 63> bucket_text{};
  std::uint8_t bucket_bytes = 0;
  store::Key key;

  std::string_view bucket() const { return {bucket_text.data(), bucket_bytes}; }
};

// "bucket/key", percent-encoded in whole or in part, with or without a slash before it, and perhaps
// "?versionId=null" behind it. As on AWS a plus is a space. Errors: InvalidArgument; NoSuchVersion
// for any other version, since a bucket without versioning has none.
Outcome<CopySource> parse_copy_source(std::string_view header);

struct CopyRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};
// "bytes=FIRST-LAST", both needed and both within `source_bytes`. Errors: InvalidArgument.
Outcome<CopyRange> parse_copy_range(std::string_view header, std::uint64_t source_bytes);

}  // namespace millrace::s3
