// Reading a raw query string without allocating: parameters in order, look-up by decoded name,
// decoding into the caller's buffer. Views point into the query or that buffer. Stateless.
// A name that occurs twice counts as its first occurrence, everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "s3/error.h"

namespace millrace::s3 {

struct QueryParameter {
  std::string_view name;   // raw
  std::string_view value;  // raw; empty without '='
};

// Steps over "a=1&b&&c=": empty pieces are skipped.
class QueryCursor {
 public:
  explicit QueryCursor(std::string_view query) : rest_(query) {}
  std::optional<QueryParameter> next();

 private:
  std::string_view rest_;
};

// In a query AWS decodes '+' to a space (the form rule); in a path it is itself here.
enum class Plus : std::uint8_t { literal, space };

// Whether decoding (query rules) could change the text.
bool is_encoded(std::string_view raw);

// True if the raw text decodes (query rules) to exactly the plain one.
bool decodes_to(std::string_view raw, std::string_view plain);
// The same, ASCII case-insensitively; plain must be lower case.
bool decodes_to_ignoring_case(std::string_view raw, std::string_view plain);

// The first parameter whose decoded name is the plain one.
std::optional<QueryParameter> find(std::string_view query, std::string_view name);

// The decoded text: raw itself where nothing is encoded, else written to the buffer, which needs
// at most raw.size() bytes (CHECKed). A '%' without two hex digits is InvalidURI.
Outcome<std::string_view> percent_decode(std::string_view raw, std::span<char> buffer, Plus plus);

// A caller's buffer handed out piece by piece, so that several decoded values can live in it.
// A buffer of the size of the whole query is always enough.
class DecodeArena {
 public:
  explicit DecodeArena(std::span<char> buffer) : free_(buffer) {}
  Outcome<std::string_view> decode(std::string_view raw, Plus plus);
  // A copy of text that would not live long enough.
  std::string_view copy(std::string_view text);

 private:
  std::span<char> free_;
};

// Decimal digits only, at most maximum; nothing else is a number. No sign, no white space.
std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t maximum);

}  // namespace millrace::s3
