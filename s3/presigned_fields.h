// Header fields that a presigning library put into the query: SDKs do so with every x-amz-* field
// of a request ("Authenticating Requests: Using Query Parameters", S3 API reference). Here they
// become fields of the head, so that who reads a header reads both. Owned by the request.
#pragma once

#include "http/head.h"
#include "s3/auth/percent.h"
#include "s3/error.h"

#include <vector>

namespace millrace::s3 {

// Call once, after a presigned request's signature was verified: it covers the whole query, so
// what stands there is as good as a signed header. A header of the same name counts, and of two
// parameters the first. What is left alone: the signature's own parameters, and the values of
// checksums, which S3 does not look at in a query (SDKs presign those of a body that they have not
// got). Views of the new fields point into the query and into `memory`, which is touched only
// where something is encoded.
// Errors: InvalidArgument for what no header could say; RequestHeaderSectionTooLarge beyond
// http::limits::field_count_max.
Outcome<> take_presigned_fields(const QueryParameters& query, http::Head& head,
                                std::vector<char>& memory);

}  // namespace millrace::s3
