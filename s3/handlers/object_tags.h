// The tags that PutObject, CreateMultipartUpload and copies bring along. Owned by the request.
#pragma once

#include "http/head.h"
#include "s3/request.h"
#include "s3/tags.h"

#include <vector>

namespace millrace::s3::handlers {

// x-amz-tagging, of the head or of a presigned query, into meta.tags; nothing where it is not
// there. `tags` and `decoded` hold what the view and an error point to. Errors: those of
// TagSet::parse.
Outcome<> take_tags(const http::Head& head, const QueryParameters& query, store::MetadataView& meta,
                    TagSet& tags, std::vector<char>& decoded);

// Whether who makes an object may give it these tags: they are a permission of their own.
engine::Task<Outcome<>> may_tag(Request& request, const store::PackedPairs& tags);

}  // namespace millrace::s3::handlers
