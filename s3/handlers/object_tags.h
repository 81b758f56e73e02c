// The tags that PutObject, CreateMultipartUpload and copies bring along. Owned by the request.
#pragma once

#include "http/head.h"
#include "s3/request.h"
#include "s3/tags.h"

namespace millrace::s3::handlers {

// x-amz-tagging into meta.tags; nothing where it is not there. `tags` holds what the view points
// to. Errors: those of TagSet::parse.
Outcome<> take_tags(const http::Head& head, store::MetadataView& meta, TagSet& tags);

// Whether who makes an object may give it these tags: they are a permission of their own.
engine::Task<Outcome<>> may_tag(Request& request, const store::PackedPairs& tags);

}  // namespace millrace::s3::handlers
