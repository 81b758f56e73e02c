// The one gate that says who sent a request: AWS Signature Version 4 in the Authorization
// header or a presigned URL, or nobody. Every handler gets its Identity from here.
// Thread: the shard's; no heap, no I/O. Invariant: an Identity with a principal exists only
// after its signature was verified over the request as sent.
#pragma once

#include "http/head.h"
#include "s3/auth/credentials.h"
#include "s3/auth/failure.h"
#include "s3/auth/fixed_text.h"
#include "s3/auth/percent.h"
#include "s3/auth/signing_key.h"

#include <array>
#include <cstdint>
#include <expected>
#include <string_view>

namespace millrace::s3 {

// What x-amz-content-sha256 says about the body. The three streaming modes are aws-chunked:
// the body goes through an AwsChunkedDecoder.
enum class PayloadMode : std::uint8_t {
  unsigned_payload,
  hex,  // the body must hash to payload_sha256
  streaming_signed,
  streaming_signed_trailer,
  streaming_unsigned_trailer,
};
constexpr bool is_streaming(PayloadMode mode) {
  return mode >= PayloadMode::streaming_signed;
}

struct Identity {
  const Principal* principal = nullptr;  // null: anonymous
  PayloadMode payload = PayloadMode::unsigned_payload;
  bool presigned = false;
  std::array<std::uint8_t, 32> payload_sha256{};  // for PayloadMode::hex

  // What the chunk signatures of a streamed body are made with; empty when anonymous.
  SigningKey signing_key{};
  std::array<std::uint8_t, 32> seed_signature{};
  FixedText<scope_bytes_max> scope;  // "20130524/us-east-1/s3/aws4_request"
  FixedText<16> timestamp;           // "20130524T000000Z"

  bool anonymous() const { return principal == nullptr; }
};

struct Policy {
  std::string_view region;  // the one requests must be signed for; empty: any
  std::int64_t now_unix_seconds = 0;
  std::uint32_t max_skew_seconds = 900;
};

// The Identity's principal is valid as long as what `credentials` looks up in.
// Anonymous requests succeed here: whether they may do anything is for authorisation to say.
// Unknown access keys cost as much as known ones.
std::expected<Identity, AuthError> authenticate(const http::Head& head,
                                                const QueryParameters& query,
                                                const CredentialSource& credentials,
                                                const Policy& policy, SigningKeyCache& keys);

}  // namespace millrace::s3
