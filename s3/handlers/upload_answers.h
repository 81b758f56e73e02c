// What the operations on multipart uploads share. Owned by the request.
#pragma once

#include "s3/request.h"
#include "s3/store/uploads/upload.h"

#include <string_view>

namespace millrace::s3::handlers {

// The uploadId of the query, which the table of operations has seen there; may be empty.
std::string_view upload_id(const Request& request);
// The partNumber of the query. Errors: InvalidArgument.
Outcome<std::uint32_t> part_number(const Request& request);
S3Error upload_error(const store::UploadError& error);
std::string_view checksum_type_name(store::StoredChecksumType type);

}  // namespace millrace::s3::handlers
