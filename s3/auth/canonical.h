// SigV4's canonical request, hashed as it is produced: it exists as a string only where a client
// is to see why its signature is another.
// Source: "Signature Calculations for the Authorization Header" (S3 API reference).
// Thread: the request's; the hash takes no heap. Invariants: the path is encoded once and never
// normalised
// ("//", "./" and "../" stay); what a client may spell in two ways is decoded and encoded
// again by AWS's UriEncode, so both spellings sign alike. A '+' in a query is a space, hence
// "%20": the SDKs never send a bare one, Go's and Ceph's canonicalisers read it so, and so
// does S3 itself when it uses the value.
#pragma once

#include "http/head.h"
#include "s3/auth/failure.h"
#include "s3/auth/percent.h"
#include "s3/digest/hash.h"

#include <expected>
#include <string>
#include <string_view>

namespace millrace::s3 {

struct CanonicalInput {
  std::string_view signed_headers;  // "host;range;x-amz-date", checked with signed_headers_valid
  std::string_view payload_hash;    // the last line: x-amz-content-sha256's text
  bool presigned = false;           // leave X-Amz-Signature out of the query
};

// Fails with uri (bad percent-encoding or too many parameters), or with signature_mismatch when
// a signed header isn't in the request.
std::expected<Sha256::Digest, AuthFailure> hash_canonical_request(const http::Head& head,
                                                                  const QueryParameters& query,
                                                                  const CanonicalInput& input);

// The same as text, which only an error's answer needs.
std::expected<std::string, AuthFailure> canonical_request(const http::Head& head,
                                                          const QueryParameters& query,
                                                          const CanonicalInput& input);

// Lower case, strictly ascending, only characters of field names, includes "host".
bool signed_headers_valid(std::string_view list);

// Whether the list (valid) holds this field name, given in any case.
bool signed_headers_contain(std::string_view list, std::string_view field_name);

}  // namespace millrace::s3
