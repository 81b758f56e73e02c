// See form_signature.h.
#include "s3/auth/form_signature.h"

#include "s3/auth/amz_time.h"
#include "s3/digest/encoding.h"

#include <array>

namespace millrace::s3 {

namespace {

using enum AuthFailure;

// ACCESS-KEY/DATE/REGION/s3/aws4_request; the key may have slashes, the others not.
struct Credential {
  std::string_view access_key;
  std::array<std::string_view, 4> scope;  // date, region, service, terminator
};

std::expected<Credential, AuthError> parse_credential(std::string_view text) {
  Credential credential;
  for (std::size_t i = credential.scope.size(); i-- > 0;) {
    const std::size_t slash = text.rfind('/');
    if (slash == std::string_view::npos) return std::unexpected(query_credential);
    credential.scope[i] = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  if (text.empty()) return std::unexpected(query_credential);
  credential.access_key = text;
  return credential;
}

std::expected<void, AuthError> check_scope(const Credential& credential, std::string_view date,
                                           std::string_view region) {
  const auto& [scope_date, scope_region, service, terminator] = credential.scope;
  if (!parse_amz_time(date)) return std::unexpected(query_date);
  if (scope_date != date.substr(0, 8)) {
    return std::unexpected(AuthError(query_scope_date, scope_date));
  }
  const bool right_region =
      region.empty() ? scope_region.size() <= region_bytes_max : scope_region == region;
  if (!right_region) return std::unexpected(AuthError(query_scope_region, scope_region));
  if (service != "s3") return std::unexpected(AuthError(query_scope_service, service));
  if (terminator != "aws4_request") {
    return std::unexpected(AuthError(query_scope_terminator, terminator));
  }
  return {};
}

}  // namespace

std::expected<const Principal*, AuthError> authenticate_form(const FormSignature& form,
                                                             const CredentialSource& credentials,
                                                             const Policy& policy,
                                                             SigningKeyCache& keys) {
  if (form.algorithm != "AWS4-HMAC-SHA256") return std::unexpected(query_algorithm);
  const auto credential = parse_credential(form.credential);
  if (!credential) return std::unexpected(credential.error());
  if (const auto scope = check_scope(*credential, form.date, policy.region); !scope) {
    return std::unexpected(scope.error());
  }
  const Principal* principal = credentials.find(credential->access_key);
  // As for requests: strangers share one name in the cache, and are compared all the same.
  const std::string_view name = principal != nullptr ? credential->access_key : std::string_view();
  const std::string_view secret =
      principal != nullptr ? std::string_view(principal->secret_key) : std::string_view("unknown");
  const SigningKey key = keys.key_for(name, secret, credential->scope[0], credential->scope[1]);
  const auto expected = hmac_sha256(key, {form.policy});
  Sha256::Digest sent{};
  const bool well_formed = hex_decode(form.signature, sent);
  const bool equal =
      constant_time_equal(std::as_bytes(std::span(sent)), std::as_bytes(std::span(expected)));
  if (principal == nullptr) return std::unexpected(unknown_access_key);
  if (!well_formed || !equal) return std::unexpected(signature_mismatch);
  if (!constant_time_equal(form.token, principal->session_token)) return std::unexpected(token);
  return principal;
}

}  // namespace millrace::s3
