// See cors.h.
#include "s3/cors.h"

#include "http/grammar.h"
#include "s3/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace millrace::s3 {

namespace {

namespace grammar = http::grammar;

constexpr std::array<std::string_view, 5> known_methods = {"GET", "PUT", "HEAD", "POST", "DELETE"};

bool one_wildcard_at_most(std::string_view text) {
  return std::ranges::count(text, '*') <= 1;
}

template <class Equal>
bool matches(std::string_view pattern, std::string_view text, Equal equal) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return equal(pattern, text);
  const std::string_view begin = pattern.substr(0, star);
  const std::string_view end = pattern.substr(star + 1);
  return text.size() >= begin.size() + end.size() && equal(begin, text.substr(0, begin.size())) &&
         equal(end, text.substr(text.size() - end.size()));
}

bool origin_matches(std::string_view pattern, std::string_view origin) {
  return matches(pattern, origin, [](auto a, auto b) { return a == b; });
}

bool header_allowed(const CorsRule& rule, std::string_view header) {
  return std::ranges::any_of(rule.headers, [header](const std::string& pattern) {
    return matches(pattern, header, grammar::equal_ignoring_case);
  });
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all.append(all.empty() ? "" : ", ").append(text);
  return all;
}

// The list as AWS gives it back, or nothing when one of it is not allowed.
std::optional<std::string> allowed_headers(const CorsRule& rule, std::string_view requested) {
  std::string all;
  std::string_view header;
  while (grammar::next_element(requested, header)) {
    if (header.empty()) continue;
    if (!header_allowed(rule, header)) return std::nullopt;
    if (!all.empty()) all.append(", ");
    for (const char c : header) all.push_back(grammar::lower(c));
  }
  return all;
}

Outcome<> invalid(std::string& message, std::string text) {
  message = std::move(text);
  return refuse(ErrorCode::invalid_request, message);
}

Outcome<> check_rule(const CorsRule& rule, std::string& message) {
  if (rule.origins.empty() || rule.methods.empty()) return refuse(ErrorCode::malformed_xml);
  if (rule.id.size() > limits::cors_id_chars_max) {
    return invalid(message, "The ID of a CORS rule can not be longer than 255 characters.");
  }
  for (const std::string& method : rule.methods) {
    if (std::ranges::find(known_methods, method) != known_methods.end()) continue;
    return invalid(message, fmt::format("Found unsupported HTTP method in CORS config. Unsupported "
                                        "method is {}",
                                        method));
  }
  for (const std::string& origin : rule.origins) {
    if (!one_wildcard_at_most(origin)) {
      return invalid(
          message,
          fmt::format("AllowedOrigin \"{}\" can not have more than one wildcard.", origin));
    }
    if (origin.empty() || !grammar::is_target(origin)) {
      return invalid(message, "AllowedOrigin contains characters that no origin has.");
    }
  }
  for (const std::string& header : rule.headers) {
    if (!one_wildcard_at_most(header)) {
      return invalid(
          message,
          fmt::format("AllowedHeader \"{}\" can not have more than one wildcard.", header));
    }
    if (!grammar::is_token(header)) {
      return invalid(message, "AllowedHeader contains characters that no header has.");
    }
  }
  for (const std::string& header : rule.exposed) {
    if (header.find('*') != std::string::npos) {
      return invalid(message,
                     fmt::format("ExposeHeader \"{}\" contains wildcard. We currently do not "
                                 "support wildcard for ExposeHeader.",
                                 header));
    }
    if (!grammar::is_token(header)) {
      return invalid(message, "ExposeHeader contains characters that no header has.");
    }
  }
  return {};
}

}  // namespace

Outcome<> check_cors(const CorsConfiguration& configuration, std::string& message) {
  if (configuration.rules.empty()) return refuse(ErrorCode::malformed_xml);
  static_assert(limits::cors_rules_max == 100, "the message says so");
  if (configuration.rules.size() > limits::cors_rules_max) {
    return invalid(message,
                   "The number of CORS rules should not exceed allowed limit of 100 rules.");
  }
  for (const CorsRule& rule : configuration.rules) {
    if (const auto checked = check_rule(rule, message); !checked) return checked;
  }
  return {};
}

CorsAnswer match_cors(const CorsConfiguration& configuration, std::string_view origin,
                      std::string_view method, std::string_view requested_headers) {
  CorsAnswer answer;
  answer.configured = true;
  for (const CorsRule& rule : configuration.rules) {
    const auto pattern = std::ranges::find_if(
        rule.origins, [&](const std::string& each) { return origin_matches(each, origin); });
    if (pattern == rule.origins.end() ||
        std::ranges::find(rule.methods, method) == rule.methods.end()) {
      continue;
    }
    auto headers = allowed_headers(rule, requested_headers);
    if (!headers) continue;
    answer.origin = *pattern == "*" ? *pattern : std::string(origin);
    answer.methods = joined(rule.methods);
    answer.headers = std::move(*headers);
    answer.exposed = joined(rule.exposed);
    answer.max_age_s = rule.max_age_s;
    return answer;
  }
  return answer;
}

}  // namespace millrace::s3
