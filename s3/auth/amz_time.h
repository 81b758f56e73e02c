// The two ways a signed request tells its time. Thread: any; no state.
// Invariant: only one spelling of a moment parses in each format.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::s3 {

// "20130524T000000Z" as seconds since 1970, UTC.
std::optional<std::int64_t> parse_amz_time(std::string_view text);

// "Fri, 24 May 2013 00:00:00 GMT" (RFC 9110 section 5.6.7, IMF-fixdate).
std::optional<std::int64_t> parse_http_time(std::string_view text);

// For years 0 to 9999.
std::array<char, 16> format_amz_time(std::int64_t unix_seconds);

}  // namespace millrace::s3
