// Signature Version 4 over the policy of a form ("Calculating a signature", browser-based uploads,
// S3 API reference): what is signed is the policy's base64 text.
// Thread: the shard's. Invariant: a principal is given only after its signature was verified.
#pragma once

#include "s3/auth/sigv4.h"

#include <expected>
#include <string_view>

namespace millrace::s3 {

// The fields of the form, as sent; none of the first five is empty.
struct FormSignature {
  std::string_view policy;
  std::string_view algorithm;
  std::string_view credential;
  std::string_view date;
  std::string_view signature;
  std::string_view token;  // x-amz-security-token; may be empty
};

// `policy.now_unix_seconds` is not looked at: how long a form lives, its policy says. Unknown
// access keys cost as much as known ones.
std::expected<const Principal*, AuthError> authenticate_form(const FormSignature& form,
                                                             const CredentialSource& credentials,
                                                             const Policy& policy,
                                                             SigningKeyCache& keys);

}  // namespace millrace::s3
