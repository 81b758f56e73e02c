// A policy's text into what it says. Everything in it is understood or refused: an ignored
// condition would open what it was to close. Pure; owned by the request.
#pragma once

#include "s3/policy/document.h"

#include <expected>
#include <string>
#include <string_view>

namespace millrace::s3::policy {

// The policy of `bucket`. `owner` is the one principal that it can name beside "*": by its name,
// or as arn:aws:iam:::NAME. The error is the message of MalformedPolicy.
std::expected<Document, std::string> parse(std::string_view text, std::string_view bucket,
                                           std::string_view owner);

}  // namespace millrace::s3::policy
