// Dates of HTTP (RFC 9110 section 5.6.7) to and from seconds since 1970-01-01 UTC, by own
// arithmetic: no locale, no time zone, no allocation. Pure but for DateCache, which belongs to
// one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace millrace::http {

inline constexpr std::size_t http_date_bytes = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes an IMF-fixdate, without a terminating NUL, and returns it. The years 0000 to 9999 can
// be written; seconds beyond them become the nearest that can.
std::string_view http_date(std::int64_t unix_seconds, std::span<char, http_date_bytes> out);

// An IMF-fixdate, an RFC 850 date or an asctime date, in exactly its grammar (case-sensitive,
// GMT only); anything else is no date, and RFC 9110 has the field ignored. The name of the day
// must be one, but isn't held against the date. A two-digit year is the one that lies at most
// 50 years after `now_seconds`, or else in the past. Leap seconds count as the second before.
std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_seconds);

// The text of the current second, for Date fields: formats once per second.
class DateCache {
 public:
  // Valid until the next call.
  std::string_view at(std::int64_t unix_seconds);

 private:
  std::array<char, http_date_bytes> text_{};
  std::int64_t second_ = 0;
  bool filled_ = false;
};

}  // namespace millrace::http
