// Answers of operations that may take minutes (CompleteMultipartUpload, CopyObject,
// UploadPartCopy). As long as the work is not done the client is told so: after
// limits::slow_answer_first_ms a 200 with the XML declaration, then a space from time to time (AWS,
// "CompleteMultipartUpload": white space keeps the connection from timing out). An error that is
// found after that is the body of this 200. Owned by the request's coroutine.
#pragma once

#include "s3/request.h"

#include <string>

namespace millrace::s3::handlers {

// `work` has been started and ends with the whole document, or an error. It may not touch the
// exchange, and what it refers to must live as long as the caller.
engine::Task<Outcome<>> answer_when_done(Request& request, engine::Task<Outcome<std::string>> work);

}  // namespace millrace::s3::handlers
