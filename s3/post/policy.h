// The policy of a form ("Creating a POST policy", S3 API reference): a JSON document, signed and
// in base64, that says until when and for which fields the form may be used. Pure; owned by the
// request.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "s3/error.h"
#include "s3/post/form.h"

namespace millrace::s3::post {

// The text is made from what the client sent, so it cannot be a constant.
struct PolicyFailure {
  ErrorCode code = ErrorCode::access_denied;
  std::string message;
};
template <class T = void>
using PolicyResult = std::expected<T, PolicyFailure>;

struct PolicyCondition {
  bool prefix = false;  // starts-with; else the whole value
  std::string field;    // in lower case, without "$"
  std::string value;
};

struct PostPolicy {
  std::int64_t expires_unix_seconds = 0;
  std::vector<PolicyCondition> conditions;
  std::uint64_t bytes_min = 0;  // of the file
  std::uint64_t bytes_max = ~0ULL;
};

// InvalidPolicyDocument.
PolicyResult<PostPolicy> parse_policy(std::string_view base64);

// Whether the form may be used now, for this bucket: every condition holds, and there is one for
// every field but those that AWS exempts (policy, x-amz-signature, x-ignore-*). `fields` are those
// of the form, with `key` as it is going to be. AccessDenied.
PolicyResult<> check_policy(const PostPolicy& policy, std::span<const FormField> fields,
                            std::string_view bucket, std::int64_t now_unix_seconds);

// "2007-12-01T12:00:00.000Z", with or without a fraction; seconds since 1970.
std::optional<std::int64_t> parse_expiration(std::string_view text);

}  // namespace millrace::s3::post
