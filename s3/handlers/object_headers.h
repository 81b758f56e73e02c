// The headers of objects, both ways: what PutObject and CreateMultipartUpload are told is kept,
// and GetObject and HeadObject say it again. Owned by the request.
#pragma once

#include "http/head.h"
#include "http/response_head.h"
#include "s3/auth/percent.h"
#include "s3/digest/checksum.h"
#include "s3/error.h"
#include "s3/store/metadata.h"

#include <cstddef>
#include <vector>

namespace millrace::s3::handlers {

// What a request says of the object it makes, in a form that encode() takes. Views point into
// the head and into `pairs`.
struct DescribedObject {
  std::vector<store::Pair> pairs;
  std::vector<char> names;  // of user metadata, in lower case
  std::vector<std::byte> packed;
};

// Content-Type, Cache-Control and its like, and x-amz-meta-*. Errors: MetadataTooLarge,
// InvalidArgument.
Outcome<> describe_from_head(const http::Head& head, store::MetadataView& meta,
                             DescribedObject& memory);

// Everything but status, ETag, Last-Modified, Content-Length and Content-Range. `query` may hold
// response-* overrides; `with_checksum` for x-amz-checksum-mode: ENABLED.
Outcome<> write_object_headers(http::HeadWriter& head, const store::MetadataView& meta,
                               const QueryParameters& query, bool with_checksum);

// Whether the query has response-* overrides, which AWS wants a signature for.
bool overrides_headers(const QueryParameters& query);

// What a 304 says of the headers that a 200 would have: caches live by it (RFC 9110 section
// 15.4.5).
void write_cache_headers(http::HeadWriter& head, const store::MetadataView& meta);

// x-amz-checksum-crc32 and x-amz-checksum-type; nothing for none.
void write_checksum(http::HeadWriter& head, const store::MetadataView& meta);

// The same of one part; nothing for a part without a checksum.
void write_part_checksum(http::HeadWriter& head, const store::MetadataView& meta,
                         const store::Part& part);

store::ObjectChecksum stored_checksum(const ChecksumValue& value);
ChecksumValue checksum_value(const store::ObjectChecksum& stored);
// `algorithm`: that of the table which has the part.
ChecksumValue checksum_value(const store::Part& part, store::StoredChecksum algorithm);

}  // namespace millrace::s3::handlers
