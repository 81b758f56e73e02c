// Settings of the request's bucket, with S3's errors. Owned by the request.
#pragma once

#include "s3/request.h"
#include "s3/store/settings.h"

#include <string>
#include <string_view>

namespace millrace::s3::handlers {

// NoSuchBucket, InternalError for what cannot be read, and what the filesystem's errors mean.
S3Error setting_error(engine::Error error);

// `unset` where the bucket does not have it.
engine::Task<Outcome<std::string>> load_setting(Request& request, store::Setting setting,
                                                ErrorCode unset);

// What PutBucket... and DeleteBucket... end with: the change, then an empty answer of that status,
// or 204.
engine::Task<Outcome<>> put_setting(Request& request, store::Setting setting,
                                    std::string_view content, int status);
engine::Task<Outcome<>> delete_setting(Request& request, store::Setting setting);

}  // namespace millrace::s3::handlers
