// See signer.h.
#include "bench/load/signer.h"

#include "s3/auth/amz_time.h"
#include "s3/digest/encoding.h"

namespace millrace::bench {
namespace {

constexpr std::string_view signed_headers = "host;x-amz-content-sha256;x-amz-date";

void append_all(std::string& to, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) to += part;
}

}  // namespace

void Signer::set_time(std::int64_t unix_seconds) {
  if (unix_seconds == unix_seconds_) return;
  unix_seconds_ = unix_seconds;
  const auto text = s3::format_amz_time(unix_seconds);
  const std::string_view stamp(text.data(), text.size());
  if (!timestamp_.starts_with(stamp.substr(0, 8))) {
    scope_ = std::string(stamp.substr(0, 8)) + "/" + who_.region + "/s3/aws4_request";
    key_ = s3::derive_signing_key(who_.secret_key, stamp.substr(0, 8), who_.region);
  }
  timestamp_ = stamp;
}

void Signer::append(std::string& head, const SignedParts& parts, std::int64_t unix_seconds) {
  set_time(unix_seconds);
  text_.clear();
  append_all(text_, {parts.method, "\n", parts.path, "\n", parts.query, "\nhost:", parts.host,
                     "\nx-amz-content-sha256:", parts.payload, "\nx-amz-date:", timestamp_, "\n\n",
                     signed_headers, "\n", parts.payload});
  const auto canonical = s3::hex_of(s3::sha256(text_));
  const auto signature =
      s3::hex_of(s3::sign_text(key_, "AWS4-HMAC-SHA256", timestamp_, scope_,
                               std::string_view(canonical.data(), canonical.size())));
  append_all(head, {"x-amz-content-sha256: ", parts.payload, "\r\nx-amz-date: ", timestamp_,
                    "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=", who_.access_key, "/", scope_,
                    ",SignedHeaders=", signed_headers,
                    ",Signature=", std::string_view(signature.data(), signature.size()), "\r\n"});
}

}  // namespace millrace::bench
