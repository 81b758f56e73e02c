// What an error document says besides code and message: the sizes, ranges, parts and names that
// were refused (the examples of AWS's API reference and of its answers). Pure; of the request.
#pragma once

#include "s3/request.h"

namespace millrace::s3 {

// Adds to request.error_details what follows from the request itself and the limits. Handlers add
// what they alone know.
void add_error_details(Request& request, const S3Error& error);

}  // namespace millrace::s3
