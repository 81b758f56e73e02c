// Which bucket and key a request names, in path style (host/bucket/key) or virtual-host style
// (bucket.domain/key). Pure; views point into the head or the caller's buffer.
// Nothing is normalised: "//", "." and ".." stay as sent.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/head.h"
#include "s3/error.h"

namespace millrace::s3 {

enum class Scope : std::uint8_t { service, bucket, object };

struct Address {
  Scope scope = Scope::service;
  bool virtual_host = false;
  std::string_view bucket;   // decoded and, from a host name, in lower case; not yet checked
                             // against the rules of bucket names
  std::string_view raw_key;  // as sent, still percent-encoded; never empty in Scope::object
};

// Room for a bucket's name that has to be decoded or lowered; no valid name is longer than 63.
using BucketBuffer = std::array<char, 256>;

// The host without port, trailing dot and the brackets of an IPv6 literal.
std::string_view host_name(std::string_view host);

// Domains are lower case, without port, leading or trailing dot. A host equal to a domain, under
// none of them, or an IP literal means path style; of several domains the longest match counts.
// Errors: InvalidURI (a broken path), InvalidBucketName (empty or oversized name).
Outcome<Address> resolve_address(const http::Head& head, std::span<const std::string_view> domains,
                                 BucketBuffer& buffer);

}  // namespace millrace::s3
