// What several operations' answers share: bodies read whole, XML sent, objects' headers written,
// and store errors put into S3's words. Owned by the request.
#pragma once

#include "s3/request.h"
#include "s3/store/object.h"
#include "s3/store/options.h"

#include <span>
#include <string>
#include <vector>

namespace millrace::s3::handlers {

// 200 with a document.
engine::Task<Outcome<>> send_xml(Request& request, const std::string& document);
// An answer without content, after its fields were written.
engine::Task<Outcome<>> send_empty(Request& request);

// The whole body (of an XML request), verified; MissingRequestBodyError when `required` and empty.
engine::Task<Outcome<std::vector<char>>> read_document(Request& request, bool required);

// A store's error for a key: ENOENT is NoSuchKey if the bucket exists, else NoSuchBucket; and to
// those who may not list the bucket AccessDenied, who are not told what is not there.
engine::Task<S3Error> object_error(Request& request, engine::Error error);
// The same where only the bucket can be missing.
S3Error bucket_error(engine::Error error);

// NoSuchBucket where it does not exist.
engine::Task<Outcome<>> check_bucket(Request& request);

// Who owns what this request creates.
store::Ownership ownership(const Request& request);

}  // namespace millrace::s3::handlers
