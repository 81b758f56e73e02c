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
engine::Task<Outcome<>> save_setting(Request& request, store::Setting setting,
                                     std::string_view content);
engine::Task<Outcome<>> drop_setting(Request& request, store::Setting setting);

}  // namespace millrace::s3::handlers
