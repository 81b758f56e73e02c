// The source of a copy: who may read it, and under which conditions. Owned by the request.
#pragma once

#include "s3/copy_source.h"
#include "s3/request.h"
#include "s3/store/object.h"

namespace millrace::s3::handlers {

// Opens what x-amz-copy-source names and checks x-amz-copy-source-if-*. Errors: InvalidArgument,
// AccessDenied, NoSuchBucket, NoSuchKey, NoSuchVersion, PreconditionFailed.
engine::Task<Outcome<>> open_source(Request& request, CopySource& source,
                                    store::OpenObject& object);

// What a copy's failure in the store means to its client.
S3Error copy_error(engine::Error error);

// InvalidRequest for a source beyond what one copy may have.
Outcome<> check_copy_bytes(std::uint64_t bytes);

}  // namespace millrace::s3::handlers
