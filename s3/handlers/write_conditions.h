// What requests say of the object that they mean to replace or remove ("Conditional requests" of
// the S3 User Guide). Owned by the request; views point into its head.
#pragma once

#include "s3/request.h"
#include "s3/store/conditions.h"
#include "s3/store/names.h"

#include <string_view>

namespace millrace::s3::handlers {

// If-Match and If-None-Match of PutObject, CopyObject and CompleteMultipartUpload. As AWS answers,
// NotImplemented for both at once and for an If-None-Match that is not `*`; InvalidArgument for an
// empty If-Match.
Outcome<store::WriteConditions> write_conditions(const http::Head& head);
// If-Match, x-amz-if-match-last-modified-time and x-amz-if-match-size of DeleteObject.
// InvalidArgument for what is no date or no number.
Outcome<store::WriteConditions> removal_conditions(Request& request);

// Looks before work is done or a body asked for: the publish decides. Costs nothing without
// conditions.
engine::Task<Outcome<>> check_early(Request& request, store::MappedPath& path,
                                    const store::WriteConditions& conditions);

// What a publish or a removal has answered: conditions that do not hold, and else bucket_error().
S3Error change_error(engine::Error error);

// A time stamp as conditions have it: a date of HTTP or of ISO 8601 (UTC), to whole seconds.
std::optional<std::int64_t> parse_condition_time(std::string_view text, std::int64_t now_seconds);

}  // namespace millrace::s3::handlers
