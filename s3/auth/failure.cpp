// AWS's codes, messages and statuses. Source: the S3 API reference's "Error responses", and
// the service's own answers where that page gives no message. Thread: any.
// Invariant: the table's order is the enum's.
#include "s3/auth/failure.h"

#include <array>
#include <utility>

namespace millrace::s3 {
namespace {

constexpr std::string_view header_code = "AuthorizationHeaderMalformed";
constexpr std::string_view query_code = "AuthorizationQueryParametersError";

constexpr std::array<S3Answer, std::to_underlying(auth_failure_last) + 1> answers{{
    {"InvalidArgument",
     "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
     "string parameter or the Authorization header should be specified",
     400},
    {"InvalidRequest",
     "The authorization mechanism you have provided is not supported. Please use "
     "AWS4-HMAC-SHA256.",
     400},
    {"InvalidArgument", "Unsupported Authorization Type", 400},
    {"InvalidRequest", "A header that is part of the request's authentication was repeated.", 400},

    {header_code,
     "The authorization header is malformed; the authorization header requires three components: "
     "Credential, SignedHeaders, and Signature.",
     400},
    {header_code,
     "The authorization header is malformed; the Credential is mal-formed; expecting "
     "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
     400},
    {header_code, "The authorization header is malformed; the credential date is wrong.", 400},
    {header_code, "The authorization header is malformed; the region is wrong.", 400},
    {header_code, "The authorization header is malformed; the service is wrong.", 400},
    {header_code, "The authorization header is malformed; the terminal is wrong.", 400},
    {header_code, "The authorization header is malformed; the SignedHeaders is mal-formed.", 400},
    {"AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403},
    {"InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400},

    {query_code,
     "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
     "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
     400},
    {query_code, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"", 400},
    {query_code, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"", 400},
    {query_code,
     "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
     "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
     400},
    {query_code, "Error parsing the X-Amz-Credential parameter; the credential date is wrong.",
     400},
    {query_code, "Error parsing the X-Amz-Credential parameter; the region is wrong.", 400},
    {query_code, "Error parsing the X-Amz-Credential parameter; the service is wrong.", 400},
    {query_code, "Error parsing the X-Amz-Credential parameter; the terminal is wrong.", 400},
    {query_code, "Error parsing the X-Amz-SignedHeaders parameter.", 400},
    {query_code, "X-Amz-Expires should be a number", 400},
    {query_code, "X-Amz-Expires must be greater than 0", 400},
    {query_code,
     "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must "
     "be less than 604800 seconds",
     400},
    {"AccessDenied", "Request is not valid yet", 403},
    {"AccessDenied", "Request has expired", 403},

    {"InvalidURI", "Couldn't parse the specified URI.", 400},
    {"RequestTimeTooSkewed",
     "The difference between the request time and the current time is too large.", 403},
    {"AccessDenied", "There were headers present in the request which were not signed", 403},
    {"InvalidArgument",
     "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
     "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid "
     "sha256 value.",
     400},
    {"NotImplemented", "This server does not implement ECDSA-signed payloads.", 501},
    {"InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.",
     403},
    {"InvalidToken", "The provided token is malformed or otherwise invalid.", 400},
    {"SignatureDoesNotMatch",
     "The request signature we calculated does not match the signature you provided. Check your "
     "key and signing method.",
     403},

    {"MissingContentLength", "You must provide the Content-Length HTTP header.", 411},
    {"InvalidRequest", "The value specified in the x-amz-trailer header is not supported", 400},
    {"InvalidRequest", "The body is not well-formed aws-chunked content.", 400},
    {"InvalidChunkSizeError", "A chunk of the body is larger than the allowed maximum.", 400},
    {"SignatureDoesNotMatch",
     "The request signature we calculated does not match the signature you provided. Check your "
     "key and signing method.",
     403},
    {"MalformedTrailerError",
     "The request contained trailing data that was not well-formed or did not conform to our "
     "published schema.",
     400},
    {"IncompleteBody",
     "You did not provide the number of bytes specified by the Content-Length HTTP header", 400},
}};

constexpr bool complete() {
  for (const S3Answer& answer : answers)
    if (answer.code.empty() || answer.message.empty() || answer.status < 400) return false;
  return true;
}
static_assert(complete());

}  // namespace

S3Answer to_s3(AuthFailure failure) {
  return answers[std::to_underlying(failure)];
}

std::string explain(const AuthError& error, std::string_view region) {
  const AuthFailure failure = error.failure;
  const bool in_header =
      failure >= AuthFailure::header_scope_date && failure <= AuthFailure::header_scope_terminator;
  const bool in_query =
      failure >= AuthFailure::query_scope_date && failure <= AuthFailure::query_scope_terminator;
  if (!in_header && !in_query) return std::string(to_s3(failure).message);

  std::string text = in_header ? "The authorization header is malformed; "
                               : "Error parsing the X-Amz-Credential parameter; ";
  const std::string sent(error.sent.view());
  const auto part =
      std::to_underlying(failure) - std::to_underlying(in_header ? AuthFailure::header_scope_date
                                                                 : AuthFailure::query_scope_date);
  switch (part) {
    case 0:
      return text + "Invalid credential date \"" + sent +
             "\". This date is not the same as X-Amz-Date.";
    case 1:
      return text + "the region '" + sent + "' is wrong; expecting '" + std::string(region) + "'";
    case 2: return text + "incorrect service \"" + sent + "\". This endpoint belongs to \"s3\".";
    default:
      return text + "incorrect terminal \"" + sent + "\". This endpoint uses \"aws4_request\".";
  }
}

}  // namespace millrace::s3
