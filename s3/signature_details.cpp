// What an answer tells about a signature that was refused; see error_details.h. The canonical
// request is made a second time here, and only here as text.
#include "s3/error_details.h"

#include "s3/auth/amz_time.h"
#include "s3/auth/canonical.h"
#include "s3/auth/claim.h"
#include "s3/digest/encoding.h"
#include "s3/limits.h"
#include "s3/query.h"
#include "s3/xml/writer.h"

#include <array>

namespace millrace::s3 {

namespace {

void add(Request& request, std::string_view name, std::string value) {
  request.error_details.push_back({name, std::move(value)});
}

void add_time(Request& request, std::string_view name, std::int64_t unix_seconds) {
  std::string text;
  xml::append_time(text, unix_seconds * 1000);
  add(request, name, std::move(text));
}

// "61 62", as AWS shows the bytes of a text.
std::string bytes_of(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(3 * text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!out.empty()) out.push_back(' ');
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

void add_text(Request& request, std::string_view name, std::string_view bytes_name,
              std::string_view text) {
  if (text.size() > limits::signed_text_shown_bytes_max) return;
  add(request, name, std::string(text));
  add(request, bytes_name, bytes_of(text));
}

void add_strings(Request& request, const Claim& claim) {
  const auto canonical =
      canonical_request(request.head(), request.query,
                        {.signed_headers = claim.signed_headers,
                         .payload_hash = claim.payload.empty() ? "UNSIGNED-PAYLOAD" : claim.payload,
                         .presigned = claim.mechanism == Mechanism::presigned});
  if (!canonical) return;  // a signed header is missing, so there is no text
  const auto stamp = format_amz_time(claim.signed_at);
  Sha256 sha;
  sha.update(*canonical);
  const auto hex = hex_of(sha.finish());
  std::string to_sign = "AWS4-HMAC-SHA256\n";
  to_sign.append(stamp.data(), stamp.size()).append("\n");
  for (const std::string_view part :
       {claim.scope_date, claim.scope_region, claim.scope_service, claim.scope_terminator}) {
    to_sign.append(part).push_back('/');
  }
  to_sign.back() = '\n';
  to_sign.append(hex.data(), hex.size());
  add_text(request, "StringToSign", "StringToSignBytes", to_sign);
  add_text(request, "CanonicalRequest", "CanonicalRequestBytes", *canonical);
}

// The x-amz-* headers that the signature leaves out.
void add_unsigned_headers(Request& request, const Claim& claim) {
  std::string names;
  for (const http::Field& field : request.head().fields()) {
    constexpr std::string_view prefix = "x-amz-";
    if (!http::field_name_equal(field.name.substr(0, prefix.size()), prefix)) continue;
    if (signed_headers_contain(claim.signed_headers, field.name)) continue;
    if (!names.empty()) names.append(", ");
    names.append(field.name);
  }
  add(request, "HeadersNotSigned", std::move(names));
}

}  // namespace

void add_signature_details(Request& request, AuthFailure failure, std::int64_t now_unix_seconds) {
  ClaimScratch scratch;
  const auto claim = parse_claim(request.head(), request.query, scratch);
  if (!claim) return;
  const auto stamp = format_amz_time(claim->signed_at);
  switch (failure) {
    case AuthFailure::clock_skew:
      add(request, "RequestTime", std::string(stamp.data(), stamp.size()));
      add_time(request, "ServerTime", now_unix_seconds);
      return add(request, "MaxAllowedSkewMilliseconds",
                 std::to_string(limits::clock_skew_seconds_max * 1000));
    case AuthFailure::expired:
      add(request, "X-Amz-Expires", std::to_string(claim->expires_s));
      add_time(request, "Expires", claim->signed_at + claim->expires_s);
      return add_time(request, "ServerTime", now_unix_seconds);
    case AuthFailure::unknown_access_key:
      return add(request, "AWSAccessKeyId", std::string(claim->access_key));
    case AuthFailure::headers_not_signed: return add_unsigned_headers(request, *claim);
    case AuthFailure::signature_mismatch:
      add(request, "AWSAccessKeyId", std::string(claim->access_key));
      add(request, "SignatureProvided", std::string(claim->signature));
      return add_strings(request, *claim);
    default: return;
  }
}

void add_signature_details(Request& request, AuthFailure failure, const FormSignature& form) {
  const bool mismatch = failure == AuthFailure::signature_mismatch;
  if (!mismatch && failure != AuthFailure::unknown_access_key) return;
  add(request, "AWSAccessKeyId", std::string(form.credential.substr(0, form.credential.find('/'))));
  if (!mismatch) return;
  add(request, "SignatureProvided", std::string(form.signature));
  add_text(request, "StringToSign", "StringToSignBytes", form.policy);
}

}  // namespace millrace::s3
