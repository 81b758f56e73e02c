// The client's side of SigV4: signed headers, presigned URLs and aws-chunked bodies, for tests
// and the load generator. Allocates freely; the server never calls it.
// Thread: any; values. Invariant: what it signs is canonicalised by the server's own code, so
// tests of either must also use signatures made elsewhere.
#pragma once

#include "s3/auth/signing_key.h"
#include "s3/digest/checksum.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3 {

struct SigningIdentity {
  std::string access_key;
  std::string secret_key;
  std::string region;
  std::string session_token;  // empty: none
};

struct HeaderLine {
  std::string name;
  std::string value;
};

struct ClientRequest {
  std::string method;
  std::string target;               // path and query as they go over the wire
  std::vector<HeaderLine> headers;  // with Host; all of them are signed
};

// What a signed request's streamed body continues from.
struct SignatureSeed {
  SigningKey key{};
  Sha256::Digest signature{};
  std::string timestamp;
  std::string scope;
};

// Adds X-Amz-Date, x-amz-content-sha256 (unless the request has them), the token and
// Authorization. `payload` is x-amz-content-sha256's value: 64 hex digits, UNSIGNED-PAYLOAD,
// or a STREAMING-... mode. Checked: at most http's number of headers, a target that can be
// canonicalised.
SignatureSeed sign_request(ClientRequest& request, const SigningIdentity& who,
                           std::int64_t unix_seconds, std::string_view payload);

// The request's target with the six parameters appended; its headers are all signed.
std::string presign(const ClientRequest& request, const SigningIdentity& who,
                    std::int64_t unix_seconds, std::uint32_t expires_s);

struct ChunkedOptions {
  std::size_t chunk_bytes = 64 * 1024;
  bool signed_chunks = true;
  ChecksumAlgorithm trailer = ChecksumAlgorithm::none;  // computed over the payload
};
// The aws-chunked body of the payload. With signed chunks and a trailer it ends in
// x-amz-trailer-signature.
std::string encode_aws_chunked(std::string_view payload, const SignatureSeed& seed,
                               const ChunkedOptions& options);

// AWS's UriEncode; '/' stays when `keep_slash`.
std::string uri_encode(std::string_view text, bool keep_slash);

}  // namespace millrace::s3
