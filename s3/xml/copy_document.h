// CopyObjectResult and CopyPartResult: what a copy answers. Owned by the request.
#pragma once

#include "s3/digest/checksum.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::s3::xml {

struct CopyResult {
  std::int64_t modified_seconds = 0;  // since 1970
  std::string_view etag;              // without quotes
  ChecksumValue checksum;
  std::uint32_t composite_parts = 0;  // of a checksum of checksums; 0: it is the whole content's
};

enum class CopyKind : std::uint8_t { object, part };
void append_copy_result(std::string& document, CopyKind kind, const CopyResult& result);

}  // namespace millrace::s3::xml
