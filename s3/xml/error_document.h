// The body of an error answer. Pure; the caller owns the string.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "s3/error.h"

namespace millrace::s3::xml {

struct ExtraElement {
  std::string_view name;
  std::string_view value;
};

// Identifies the failed request in the document (and in the log).
struct ErrorContext {
  std::string_view resource;    // the raw path
  std::string_view request_id;  // as in x-amz-request-id
  std::string_view host_id;     // as in x-amz-id-2
};

// Appends <Error>, which has no namespace. Extra elements, such as BucketName, Key, UploadId or
// Method, follow the message; empty values are left out. CHECKs that the code has a body.
void append_error(std::string& out, const S3Error& error, const ErrorContext& context,
                  std::span<const ExtraElement> extra = {});

}  // namespace millrace::s3::xml
