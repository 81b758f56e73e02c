// Parses authentication material. Sources: "Using the Authorization Header" and "Using Query
// Parameters" (S3 API reference). Thread: the request's.
// Invariant: names in the query are compared decoded and in any case, so that no spelling of
// them slips past.
#include "s3/auth/claim.h"

#include "s3/auth/amz_time.h"
#include "s3/auth/percent.h"

#include <span>
#include <utility>

namespace millrace::s3 {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::uint32_t expires_s_max = 604'800;

enum Slot : std::uint8_t {
  slot_algorithm,
  slot_credential,
  slot_date,
  slot_expires,
  slot_signed_headers,
  slot_signature,
  slot_token,
  slot_payload,
  slot_v2_key,
  slot_v2_signature,
  slot_count
};
constexpr std::array<std::string_view, slot_count> slot_names{
    "x-amz-algorithm",     "x-amz-credential", "x-amz-date",           "x-amz-expires",
    "x-amz-signedheaders", "x-amz-signature",  "x-amz-security-token", "x-amz-content-sha256",
    "awsaccesskeyid",      "signature"};

// The parameters of the query that have to do with authentication, raw.
struct QueryMaterial {
  std::array<std::optional<std::string_view>, slot_count> value;
  bool repeated = false;

  bool has(Slot slot) const { return value[slot].has_value(); }
  bool version_4() const {
    return has(slot_algorithm) || has(slot_credential) || has(slot_expires) ||
           has(slot_signed_headers) || has(slot_signature);
  }
  bool version_2() const { return has(slot_v2_key) || has(slot_v2_signature); }
};

QueryMaterial scan_query(const QueryParameters& query) {
  QueryMaterial found;
  for (const RawParameter parameter : query) {
    for (std::size_t slot = 0; slot < slot_count; ++slot) {
      if (!parameter.name_encoded && parameter.name.size() != slot_names[slot].size()) continue;
      if (!decodes_to(parameter.name, slot_names[slot], Case::ignored)) continue;
      found.repeated = found.repeated || found.value[slot].has_value();
      found.value[slot] = parameter.value;
    }
  }
  return found;
}

// A header that takes part in authentication must not be there twice: proxies and servers
// disagree about which of the two counts.
bool has_duplicates(const http::Head& head) {
  constexpr std::array<std::string_view, 6> single{
      "authorization",       "host", "date", "x-amz-date", "x-amz-content-sha256",
      "x-amz-security-token"};
  std::array<bool, single.size()> seen{};
  for (const http::Field& field : head.fields()) {
    for (std::size_t i = 0; i < single.size(); ++i) {
      if (field.name.size() != single[i].size() || !http::field_name_equal(field.name, single[i]))
        continue;
      if (seen[i]) return true;
      seen[i] = true;
    }
  }
  return false;
}

// key/date/region/service/terminator. From the right, since access keys may hold slashes.
bool split_credential(std::string_view text, Claim& claim) {
  for (std::string_view* part :
       {&claim.scope_terminator, &claim.scope_service, &claim.scope_region, &claim.scope_date}) {
    const std::size_t slash = text.rfind('/');
    if (slash == text.npos) return false;
    *part = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  claim.access_key = text;
  return !text.empty();
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// "Credential=..., SignedHeaders=..., Signature=...", in any order.
std::optional<AuthFailure> split_components(std::string_view text, Claim& claim) {
  std::string_view credential;
  const std::pair<std::string_view, std::string_view*> parts[] = {
      {"Credential", &credential},
      {"SignedHeaders", &claim.signed_headers},
      {"Signature", &claim.signature}};
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view piece = trimmed(text.substr(0, comma));
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    const std::size_t equals = piece.find('=');
    if (equals == piece.npos) return AuthFailure::header_malformed;
    bool known = false;
    for (const auto& [name, value] : parts) {
      if (piece.substr(0, equals) != name) continue;
      if (!value->empty() || equals + 1 == piece.size()) return AuthFailure::header_malformed;
      *value = piece.substr(equals + 1);
      known = true;
    }
    if (!known) return AuthFailure::header_malformed;
  }
  if (credential.empty() || claim.signed_headers.empty() || claim.signature.empty())
    return AuthFailure::header_malformed;
  if (!split_credential(credential, claim)) return AuthFailure::header_credential;
  return std::nullopt;
}

std::expected<Claim, AuthError> header_claim(const http::Head& head, std::string_view text) {
  if (text.starts_with("AWS ") || text.starts_with("AWS4-ECDSA-P256-SHA256"))
    return std::unexpected(AuthFailure::unsupported_mechanism);
  if (!text.starts_with(algorithm))
    return std::unexpected(AuthFailure::unsupported_authorization_type);
  text.remove_prefix(algorithm.size());
  if (!text.empty() && text.front() != ' ')
    return std::unexpected(AuthFailure::unsupported_authorization_type);

  Claim claim{.mechanism = Mechanism::header};
  if (const auto failure = split_components(text, claim)) return std::unexpected(*failure);

  // X-Amz-Date wins over Date, even when it is the one that doesn't parse.
  const http::Field* date = head.find("x-amz-date");
  if (date == nullptr) date = head.find("date");
  if (date == nullptr) return std::unexpected(AuthFailure::date_missing);
  auto signed_at = parse_amz_time(date->value);
  if (!signed_at && http::field_name_equal(date->name, "date"))
    signed_at = parse_http_time(date->value);
  if (!signed_at) return std::unexpected(AuthFailure::date_missing);
  claim.signed_at = *signed_at;
  claim.payload = head.value("x-amz-content-sha256");
  claim.token_raw = head.value("x-amz-security-token");
  return claim;
}

// Decodes into what is left of the scratch, and takes that away from it.
bool decode(std::string_view raw, std::span<char>& room, std::string_view& out) {
  const auto text = percent_decode(raw, UriPart::query, room);
  if (!text) return false;
  out = *text;
  room = room.subspan(text->size());
  return true;
}

std::expected<std::uint32_t, AuthFailure> parse_expires(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::unexpected(AuthFailure::expires_not_a_number);
  if (text.front() == '-') return std::unexpected(AuthFailure::expires_too_small);
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::unexpected(AuthFailure::expires_not_a_number);
    if (value <= expires_s_max) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value == 0) return std::unexpected(AuthFailure::expires_too_small);
  if (value > expires_s_max) return std::unexpected(AuthFailure::expires_too_large);
  return static_cast<std::uint32_t>(value);
}

// x-amz-content-sha256 may be a header or a parameter of a presigned request, not two things.
bool take_payload(const http::Head& head, const QueryMaterial& query, std::span<char>& room,
                  Claim& claim) {
  claim.payload = head.value("x-amz-content-sha256");
  if (!query.has(slot_payload)) return true;
  std::string_view text;
  if (!decode(*query.value[slot_payload], room, text)) return false;
  if (!claim.payload.empty() && claim.payload != text) return false;
  claim.payload = text;
  return true;
}

std::expected<Claim, AuthError> query_claim(const http::Head& head, const QueryMaterial& query,
                                            ClaimScratch& scratch) {
  for (Slot slot : {slot_algorithm, slot_credential, slot_date, slot_expires, slot_signed_headers,
                    slot_signature})
    if (!query.has(slot)) return std::unexpected(AuthFailure::query_parameters);
  if (query.repeated) return std::unexpected(AuthFailure::query_parameters);
  if (!decodes_to(*query.value[slot_algorithm], algorithm, Case::exact))
    return std::unexpected(AuthFailure::query_algorithm);

  Claim claim{.mechanism = Mechanism::presigned};
  std::span<char> room(scratch);
  std::string_view credential, date, expires;
  if (!decode(*query.value[slot_credential], room, credential) ||
      !split_credential(credential, claim))
    return std::unexpected(AuthFailure::query_credential);
  if (!decode(*query.value[slot_signed_headers], room, claim.signed_headers))
    return std::unexpected(AuthFailure::query_signed_headers);
  if (!decode(*query.value[slot_signature], room, claim.signature))
    return std::unexpected(AuthFailure::signature_mismatch);
  if (!decode(*query.value[slot_date], room, date)) return std::unexpected(AuthFailure::query_date);
  const auto signed_at = parse_amz_time(date);
  if (!signed_at) return std::unexpected(AuthFailure::query_date);
  claim.signed_at = *signed_at;
  if (!decode(*query.value[slot_expires], room, expires))
    return std::unexpected(AuthFailure::expires_not_a_number);
  const auto expires_s = parse_expires(expires);
  if (!expires_s) return std::unexpected(expires_s.error());
  claim.expires_s = *expires_s;
  if (!take_payload(head, query, room, claim))
    return std::unexpected(AuthFailure::content_sha256_invalid);

  claim.token_raw = head.value("x-amz-security-token");
  if (query.has(slot_token)) {
    if (head.find("x-amz-security-token") != nullptr) return std::unexpected(AuthFailure::token);
    claim.token_raw = *query.value[slot_token];
    claim.token_in_query = true;
  }
  return claim;
}

}  // namespace

std::expected<Claim, AuthError> parse_claim(const http::Head& head,
                                            const QueryParameters& parameters,
                                            ClaimScratch& scratch) {
  if (!parameters.whole()) return std::unexpected(AuthFailure::uri);
  if (has_duplicates(head)) return std::unexpected(AuthFailure::duplicated_header);
  const QueryMaterial query = scan_query(parameters);
  const http::Field* authorization = head.find("authorization");
  const int mechanisms =
      int{authorization != nullptr} + int{query.version_4()} + int{query.version_2()};
  if (mechanisms > 1) return std::unexpected(AuthFailure::several_mechanisms);
  if (authorization != nullptr) return header_claim(head, authorization->value);
  if (query.version_2()) return std::unexpected(AuthFailure::unsupported_mechanism);
  if (query.version_4()) return query_claim(head, query, scratch);
  return Claim{.payload = head.value("x-amz-content-sha256")};
}

}  // namespace millrace::s3
