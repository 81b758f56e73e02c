// Why a request or its streamed body isn't authentic, and what S3 answers then.
// Thread: any; values. Invariant: every enumerator has exactly one row in to_s3's table.
#pragma once

#include "s3/auth/fixed_text.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::s3 {

enum class AuthFailure : std::uint8_t {
  // Which mechanism.
  several_mechanisms,
  unsupported_mechanism,           // signature version 2, or version 4 with ECDSA
  unsupported_authorization_type,  // Basic, Bearer, ...
  duplicated_header,

  // The Authorization header.
  header_malformed,
  header_credential,
  header_scope_date,
  header_scope_region,
  header_scope_service,
  header_scope_terminator,
  header_signed_headers,
  date_missing,
  content_sha256_missing,

  // The query of a presigned URL. The scope's four are in the header's order.
  query_parameters,
  query_algorithm,
  query_date,
  query_credential,
  query_scope_date,
  query_scope_region,
  query_scope_service,
  query_scope_terminator,
  query_signed_headers,
  expires_not_a_number,
  expires_too_small,
  expires_too_large,
  not_yet_valid,
  expired,

  // Both.
  uri,  // bad percent-encoding, or too many query parameters
  clock_skew,
  headers_not_signed,
  content_sha256_invalid,
  payload_mode_unsupported,
  unknown_access_key,
  token,
  signature_mismatch,

  // The body (AwsChunkedDecoder).
  decoded_length_missing,
  trailer_header_invalid,
  chunk_malformed,
  chunk_too_large,
  chunk_signature_mismatch,
  trailer_malformed,
  body_incomplete,  // ended early, or its length isn't x-amz-decoded-content-length
};
inline constexpr AuthFailure auth_failure_last = AuthFailure::body_incomplete;

struct S3Answer {
  std::string_view code;
  std::string_view message;
  int status;
};
S3Answer to_s3(AuthFailure failure);

struct AuthError {
  AuthFailure failure;
  // What the client sent, cut short: for the scope's failures its wrong part.
  FixedText<64> sent;

  AuthError(AuthFailure failed) : failure(failed) {}  // NOLINT: the common case has no more
  AuthError(AuthFailure failed, std::string_view text) : failure(failed) { sent.assign_cut(text); }
};

// AWS's full sentence: for a wrong scope with both sides named, else to_s3's message. The
// result holds the client's bytes, so XML must escape it. `region` is the one expected; clients
// also read it from the answer's Region element on a *_scope_region failure.
std::string explain(const AuthError& error, std::string_view region);

}  // namespace millrace::s3
