// What the fields of a form say of the object, in the shape that a request's headers have, so that
// both are read by the same code; and its key. Pure; owned by the request.
#pragma once

#include "http/head.h"
#include "s3/error.h"
#include "s3/post/form.h"

#include <string>
#include <string_view>

namespace millrace::s3::post {

// Content-Type and its like, x-amz-*; `acl` as x-amz-acl. Not: what belongs to the signature, and
// what means nothing. Views point to the fields'. InvalidArgument: a name that is no token, or a
// value with control characters, which no answer could give back.
Outcome<> fields_as_head(const FormReader& form, http::Head& head);

// `key` with ${filename} in its place. UserKeyMustBeSpecified.
Outcome<std::string> key_of_form(const FormReader& form);

// Of success_action_redirect (or redirect, its old name): an http or https URL, or nothing, since
// AWS takes what it cannot read for not there.
std::string_view redirect_of_form(const FormReader& form);
// The URL with bucket, key and etag in its query.
std::string redirect_target(std::string_view url, std::string_view bucket, std::string_view key,
                            std::string_view etag);
// success_action_status: 200, 201 or 204 (also where it is another, or none).
int status_of_form(const FormReader& form);

// Percent-encoded; '/' stays when `keep_slash`.
void append_percent_encoded(std::string& out, std::string_view text, bool keep_slash);

}  // namespace millrace::s3::post
