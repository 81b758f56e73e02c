// What a request says about its own signature, parsed from the Authorization header or from a
// presigned URL's query; nothing in it is proven yet.
// Thread: the request's; no heap. Invariant: a Claim's views point into the head or into the
// caller's scratch, and each of its parts is there exactly once.
#pragma once

#include "http/head.h"
#include "s3/auth/failure.h"
#include "s3/auth/percent.h"

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace millrace::s3 {

enum class Mechanism : std::uint8_t { anonymous, header, presigned };

struct Claim {
  Mechanism mechanism = Mechanism::anonymous;
  std::string_view access_key;  // the scope's parts are those of the credential
  std::string_view scope_date;
  std::string_view scope_region;
  std::string_view scope_service;
  std::string_view scope_terminator;
  std::string_view signed_headers;
  std::string_view signature;   // as sent; any text
  std::int64_t signed_at = 0;   // seconds since 1970
  std::uint32_t expires_s = 0;  // presigned only: 1 to 604,800
  std::string_view payload;     // x-amz-content-sha256's text; empty when not given
  std::string_view token_raw;   // X-Amz-Security-Token, still encoded when from the query
  bool token_in_query = false;
};

// Room for the decoded parts of a presigned query.
using ClaimScratch = std::array<char, 4096>;

// Decides the mechanism, for every request alike: anonymous only without any authentication
// material, a failure with two kinds of it or with an unknown one.
std::expected<Claim, AuthError> parse_claim(const http::Head& head, const QueryParameters& query,
                                            ClaimScratch& scratch);

}  // namespace millrace::s3
