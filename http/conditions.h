// Conditional requests (RFC 9110 section 13) against one object. Pure, any thread.
// S3 clients send entity tags without quotes too; those are taken as if quoted.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::http {

enum class Comparison : std::uint8_t {
  strong,  // If-Match, If-Range: a weak tag never matches
  weak,    // If-None-Match: W/ is disregarded
};

// Whether the list of entity tags (or "*") in `value` names `etag`, which is strong and given
// without quotes. An element that isn't an entity tag matches nothing and ends the list.
bool etag_list_matches(std::string_view value, std::string_view etag, Comparison comparison);

// The values of the condition fields, empty where not sent.
struct Conditions {
  std::string_view if_match;
  std::string_view if_none_match;
  std::string_view if_modified_since;
  std::string_view if_unmodified_since;

  bool any() const {
    return !(if_match.empty() && if_none_match.empty() && if_modified_since.empty() &&
             if_unmodified_since.empty());
  }
};

struct Representation {
  bool exists = false;    // false: no such object, the rest is meaningless
  std::string_view etag;  // without quotes
  std::int64_t modified_seconds = 0;
};

enum class Verdict : std::uint8_t {
  proceed,
  not_modified,         // 304
  precondition_failed,  // 412
};

// In the order of RFC 9110 section 13.2.2. `is_read`: GET or HEAD. Dates that don't parse are
// ignored; If-Modified-Since counts for reads only. S3's own rules agree with this order:
// a true If-Match outweighs If-Unmodified-Since, a false If-None-Match If-Modified-Since.
Verdict evaluate(const Conditions& conditions, const Representation& object, bool is_read,
                 std::int64_t now_seconds);

// Whether Range may be honoured: no If-Range, or one that names this state of the object
// (RFC 9110 section 13.1.5: a strong tag, or exactly the date of the last modification).
bool if_range_matches(std::string_view value, const Representation& object,
                      std::int64_t now_seconds);

}  // namespace millrace::http
