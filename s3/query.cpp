// Query strings as S3 reads them; see the header. Any thread; nothing is kept.
#include "s3/query.h"

#include <algorithm>

#include "engine/check.h"

namespace millrace::s3 {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte at raw's front and how many raw bytes it took; length 0 for a broken escape.
struct Decoded {
  char byte;
  std::size_t length;
};
Decoded decode_front(std::string_view raw, Plus plus) {
  const char c = raw.front();
  if (c == '+' && plus == Plus::space) return {' ', 1};
  if (c != '%') return {c, 1};
  if (raw.size() < 3) return {0, 0};
  const int high = hex_value(raw[1]);
  const int low = hex_value(raw[2]);
  if (high < 0 || low < 0) return {0, 0};
  return {static_cast<char>(high * 16 + low), 3};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool decodes_to(std::string_view raw, std::string_view plain, bool ignore_case) {
  if (raw.size() < plain.size()) return false;
  for (const char expected : plain) {
    if (raw.empty()) return false;
    const Decoded decoded = decode_front(raw, Plus::space);
    if (decoded.length == 0) return false;
    if ((ignore_case ? lower(decoded.byte) : decoded.byte) != expected) return false;
    raw.remove_prefix(decoded.length);
  }
  return raw.empty();
}

}  // namespace

std::optional<QueryParameter> QueryCursor::next() {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('&');
    const std::string_view piece = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) return QueryParameter{piece, {}};
    return QueryParameter{piece.substr(0, equals), piece.substr(equals + 1)};
  }
  return std::nullopt;
}

// Not find_first_of("%+"), which searches the two for each byte of the text.
bool is_encoded(std::string_view raw) {
  unsigned char found = 0;
  for (const char c : raw) found |= static_cast<unsigned char>((c == '%') | (c == '+'));
  return found != 0;
}

bool decodes_to(std::string_view raw, std::string_view plain) {
  return decodes_to(raw, plain, false);
}

bool decodes_to_ignoring_case(std::string_view raw, std::string_view plain) {
  return decodes_to(raw, plain, true);
}

std::optional<QueryParameter> find(std::string_view query, std::string_view name) {
  QueryCursor cursor(query);
  while (const auto parameter = cursor.next()) {
    if (decodes_to(parameter->name, name)) return parameter;
  }
  return std::nullopt;
}

Outcome<std::string_view> percent_decode(std::string_view raw, std::span<char> buffer, Plus plus) {
  const bool changes =
      plus == Plus::space ? is_encoded(raw) : raw.find('%') != std::string_view::npos;
  if (!changes) return raw;
  std::size_t written = 0;
  while (!raw.empty()) {
    const Decoded decoded = decode_front(raw, plus);
    if (decoded.length == 0) return refuse(ErrorCode::invalid_uri);
    CHECK(written < buffer.size());
    buffer[written++] = decoded.byte;
    raw.remove_prefix(decoded.length);
  }
  return std::string_view(buffer.data(), written);
}

Outcome<std::string_view> DecodeArena::decode(std::string_view raw, Plus plus) {
  auto decoded = percent_decode(raw, free_, plus);
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
