// What an error document says besides code and message: the sizes, ranges, parts and names that
// were refused (the examples of AWS's API reference and of its answers). Pure; of the request.
#pragma once

#include "s3/auth/form_signature.h"
#include "s3/request.h"

#include <cstdint>

namespace millrace::s3 {

// Adds to request.error_details what follows from the request itself and the limits. Handlers add
// what they alone know.
void add_error_details(Request& request, const S3Error& error);

// What was signed, by which key and when, as far as a failed signature has to do with it: what a
// client compares with its own string to sign. Nothing in it is secret. Call before the query's
// fields are taken into the head.
void add_signature_details(Request& request, AuthFailure failure, std::int64_t now_unix_seconds);
// The same of a form, whose string to sign is its policy.
void add_signature_details(Request& request, AuthFailure failure, const FormSignature& form);

}  // namespace millrace::s3
