// Cross-origin rules of a bucket ("Using cross-origin resource sharing", S3 User Guide): what they
// are, whether they may be, and which of them a request meets. Pure values; owned by the request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/head.h"
#include "s3/error.h"

namespace millrace::s3 {

struct CorsRule {
  std::string id;
  std::vector<std::string> origins;  // at most one "*" in each
  std::vector<std::string> methods;
  std::vector<std::string> headers;  // at most one "*" in each; in any case
  std::vector<std::string> exposed;
  std::optional<std::uint32_t> max_age_s;
};

struct CorsConfiguration {
  std::vector<CorsRule> rules;  // the first one that a request meets counts
};

// By AWS's rules; also no text that could not stand in a header. InvalidRequest, with its text in
// `message`; MalformedXML for a rule without origins or methods, and for none at all.
Outcome<> check_cors(const CorsConfiguration& configuration, std::string& message);

// What the answer to a request with an Origin says; texts are empty where there is none.
struct CorsAnswer {
  std::string origin;  // "*", or the request's
  std::string methods;
  std::string headers;  // of a preflight: those that were asked for
  std::string exposed;
  std::optional<std::uint32_t> max_age_s;
  bool configured = false;  // the bucket has rules: answers depend on the origin

  bool allowed() const { return !origin.empty(); }
};

// `requested_headers` is Access-Control-Request-Headers of a preflight, else empty.
CorsAnswer match_cors(const CorsConfiguration& configuration, std::string_view origin,
                      std::string_view method, std::string_view requested_headers);

}  // namespace millrace::s3
