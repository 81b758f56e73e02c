// SigV4 verification. Source: "Authenticating Requests (AWS Signature Version 4)" (S3 API
// reference). Thread: the shard's. Invariant: the checks run from what needs no secret to what
// does, and the signature is compared whether or not the access key exists.
#include "s3/auth/sigv4.h"

#include "s3/auth/amz_time.h"
#include "s3/auth/canonical.h"
#include "s3/auth/claim.h"
#include "s3/auth/percent.h"
#include "s3/digest/encoding.h"

#include <optional>

namespace millrace::s3 {
namespace {

constexpr std::string_view unsigned_text = "UNSIGNED-PAYLOAD";

std::optional<AuthFailure> read_payload_mode(std::string_view text, Mechanism mechanism,
                                             Identity& identity) {
  if (text.empty()) {
    if (mechanism == Mechanism::header) return AuthFailure::content_sha256_missing;
    return std::nullopt;
  }
  const bool by_header = mechanism == Mechanism::header;
  if (text == unsigned_text) {
    identity.payload = PayloadMode::unsigned_payload;
  } else if (text == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    identity.payload = PayloadMode::streaming_unsigned_trailer;
  } else if (text == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") {
    // Chunk signatures continue the Authorization header's; nothing else has a chain.
    if (!by_header) return AuthFailure::content_sha256_invalid;
    identity.payload = PayloadMode::streaming_signed;
  } else if (text == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") {
    if (!by_header) return AuthFailure::content_sha256_invalid;
    identity.payload = PayloadMode::streaming_signed_trailer;
  } else if (text.starts_with("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")) {
    return AuthFailure::payload_mode_unsupported;
  } else if (hex_decode(text, identity.payload_sha256)) {
    identity.payload = PayloadMode::hex;
  } else {
    return AuthFailure::content_sha256_invalid;
  }
  return std::nullopt;
}

std::optional<AuthError> check_scope(const Claim& claim, std::string_view timestamp,
                                     std::string_view region) {
  const bool by_header = claim.mechanism == Mechanism::header;
  const auto fail = [by_header](AuthFailure header, AuthFailure query, std::string_view sent) {
    return AuthError(by_header ? header : query, sent);
  };
  using enum AuthFailure;
  if (claim.scope_date != timestamp.substr(0, 8))
    return fail(header_scope_date, query_scope_date, claim.scope_date);
  if (region.empty() ? claim.scope_region.size() > region_bytes_max : claim.scope_region != region)
    return fail(header_scope_region, query_scope_region, claim.scope_region);
  if (claim.scope_service != "s3")
    return fail(header_scope_service, query_scope_service, claim.scope_service);
  if (claim.scope_terminator != "aws4_request")
    return fail(header_scope_terminator, query_scope_terminator, claim.scope_terminator);
  return std::nullopt;
}

std::optional<AuthFailure> check_time(const Claim& claim, const Policy& policy) {
  const std::int64_t age = policy.now_unix_seconds - claim.signed_at;
  const std::int64_t skew = policy.max_skew_seconds;
  if (claim.mechanism == Mechanism::header) {
    if (age > skew || age < -skew) return AuthFailure::clock_skew;
    return std::nullopt;
  }
  if (age < -skew) return AuthFailure::not_yet_valid;
  if (age > std::int64_t{claim.expires_s}) return AuthFailure::expired;  // no grace
  return std::nullopt;
}

// Host and every x-amz-* header must be signed. A presigned request's x-amz-content-sha256 is
// covered without that: its value is the canonical request's last line.
std::optional<AuthFailure> check_coverage(const http::Head& head, const Claim& claim) {
  const bool by_header = claim.mechanism == Mechanism::header;
  if (!signed_headers_valid(claim.signed_headers))
    return by_header ? AuthFailure::header_signed_headers : AuthFailure::query_signed_headers;
  constexpr std::string_view prefix = "x-amz-";
  for (const http::Field& field : head.fields()) {
    if (field.name.size() < prefix.size() ||
        !http::field_name_equal(field.name.substr(0, prefix.size()), prefix))
      continue;
    if (!by_header && http::field_name_equal(field.name, "x-amz-content-sha256")) continue;
    if (!signed_headers_contain(claim.signed_headers, field.name))
      return AuthFailure::headers_not_signed;
  }
  return std::nullopt;
}

bool token_matches(const Claim& claim, std::string_view expected) {
  if (!claim.token_in_query) return constant_time_equal(claim.token_raw, expected);
  return decodes_to(claim.token_raw, expected, Case::exact);
}

// Everything that needs no secret; fills in the identity's public parts.
std::optional<AuthError> check_claim(const http::Head& head, const Claim& claim,
                                     const Policy& policy, Identity& identity) {
  const auto timestamp = format_amz_time(claim.signed_at);
  identity.timestamp.assign({timestamp.data(), timestamp.size()});
  if (auto error = check_scope(claim, identity.timestamp.view(), policy.region)) return error;
  for (std::string_view piece : {claim.scope_date, std::string_view("/"), claim.scope_region,
                                 std::string_view("/s3/aws4_request")})
    if (!identity.scope.append(piece))
      return AuthError(claim.mechanism == Mechanism::header ? AuthFailure::header_scope_region
                                                            : AuthFailure::query_scope_region,
                       claim.scope_region);
  if (const auto failure = check_time(claim, policy)) return *failure;
  if (const auto failure = read_payload_mode(claim.payload, claim.mechanism, identity))
    return *failure;
  if (const auto failure = check_coverage(head, claim)) return *failure;
  return std::nullopt;
}

std::optional<AuthFailure> verify(const http::Head& head, const QueryParameters& query,
                                  const Claim& claim, const CredentialSource& credentials,
                                  SigningKeyCache& keys, Identity& identity) {
  const auto canonical =
      hash_canonical_request(head, query,
                             {.signed_headers = claim.signed_headers,
                              .payload_hash = claim.payload.empty() ? unsigned_text : claim.payload,
                              .presigned = claim.mechanism == Mechanism::presigned});
  if (!canonical) return canonical.error();

  const Principal* principal = credentials.find(claim.access_key);
  // An unknown key is checked against a fixed secret, under one name, so that strangers can't
  // push real keys out of the cache.
  const std::string_view cache_name = principal != nullptr ? claim.access_key : std::string_view();
  const std::string_view secret =
      principal != nullptr ? std::string_view(principal->secret_key) : std::string_view("unknown");
  identity.signing_key = keys.key_for(cache_name, secret, claim.scope_date, claim.scope_region);

  const auto canonical_hex = hex_of(*canonical);
  identity.seed_signature =
      sign_text(identity.signing_key, "AWS4-HMAC-SHA256", identity.timestamp.view(),
                identity.scope.view(), {canonical_hex.data(), canonical_hex.size()});
  Sha256::Digest sent{};
  const bool well_formed = hex_decode(claim.signature, sent);
  const bool equal = constant_time_equal(std::as_bytes(std::span(sent)),
                                         std::as_bytes(std::span(identity.seed_signature)));
  if (principal == nullptr) return AuthFailure::unknown_access_key;
  if (!well_formed || !equal) return AuthFailure::signature_mismatch;
  if (!token_matches(claim, principal->session_token)) return AuthFailure::token;
  identity.principal = principal;
  return std::nullopt;
}

}  // namespace

std::expected<Identity, AuthError> authenticate(const http::Head& head,
                                                const QueryParameters& query,
                                                const CredentialSource& credentials,
                                                const Policy& policy, SigningKeyCache& keys) {
  ClaimScratch scratch;
  const auto claim = parse_claim(head, query, scratch);
  if (!claim) return std::unexpected(claim.error());

  Identity identity;
  if (claim->mechanism == Mechanism::anonymous) {
    if (const auto failure = read_payload_mode(claim->payload, claim->mechanism, identity))
      return std::unexpected(*failure);
    return identity;
  }
  identity.presigned = claim->mechanism == Mechanism::presigned;
  if (auto error = check_claim(head, *claim, policy, identity)) return std::unexpected(*error);
  if (const auto failure = verify(head, query, *claim, credentials, keys, identity))
    return std::unexpected(*failure);
  return identity;
}

}  // namespace millrace::s3
