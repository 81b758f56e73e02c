// Query strings as S3 reads them; see the header. Any thread; nothing is kept.
#include "s3/query.h"

#include <algorithm>

#include "engine/check.h"

namespace millrace::s3 {

Outcome<std::string_view> decode(std::string_view raw, std::span<char> buffer, UriPart part) {
  if (!is_encoded(raw, part)) return raw;
  if (!percent_valid(raw)) return refuse(ErrorCode::invalid_uri);
  const auto decoded = percent_decode(raw, part, buffer);
  CHECK(decoded);
  return *decoded;
}

Outcome<std::string_view> DecodeArena::decode(std::string_view raw, UriPart part) {
  auto decoded = s3::decode(raw, free_, part);
  if (decoded && decoded->data() == free_.data()) free_ = free_.subspan(decoded->size());
  return decoded;
}

std::string_view DecodeArena::copy(std::string_view text) {
  CHECK(text.size() <= free_.size());
  std::ranges::copy(text, free_.begin());
  const std::string_view copied(free_.data(), text.size());
  free_ = free_.subspan(text.size());
  return copied;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t maximum) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (digit > maximum || value > (maximum - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace millrace::s3
