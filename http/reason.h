// Reason phrases of the status codes that an S3 server sends. Constant data, any thread.
#pragma once

#include <string_view>

namespace millrace::http {

// "Not Found" for 404; for a code not in the table the phrase of its class ("Client Error").
std::string_view reason_phrase(int status);

}  // namespace millrace::http
