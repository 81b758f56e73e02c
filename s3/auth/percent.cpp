// Percent-encoding (RFC 3986 section 2.1) and query syntax. Thread: any.
// Invariant: no byte is decoded twice.
#include "s3/auth/percent.h"

#include <algorithm>

namespace millrace::s3 {

// Not find_first_of("%+"), which searches the two for each byte of the text.
bool is_encoded(std::string_view raw, UriPart part) {
  const char plus = part == UriPart::query ? '+' : '%';
  unsigned char found = 0;
  for (char c : raw) found |= static_cast<unsigned char>((c == '%') | (c == plus));
  return found != 0;
}

bool percent_valid(std::string_view raw) {
  for (std::size_t at = raw.find('%'); at != raw.npos; at = raw.find('%', at + 3)) {
    if (raw.size() - at < 3 || hex_digit(raw[at + 1]) < 0 || hex_digit(raw[at + 2]) < 0)
      return false;
  }
  return true;
}

std::optional<std::string_view> percent_decode(std::string_view raw, UriPart part,
                                               std::span<char> room) {
  if (!is_encoded(raw, part)) {
    if (raw.size() > room.size()) return std::nullopt;
    std::ranges::copy(raw, room.begin());
    return std::string_view(room.data(), raw.size());
  }
  DecodedBytes bytes(raw, part);
  std::size_t size = 0;
  for (int byte = bytes.next(); byte >= 0; byte = bytes.next()) {
    if (size == room.size()) return std::nullopt;
    room[size++] = static_cast<char>(byte);
  }
  return std::string_view(room.data(), size);
}

bool decodes_to(std::string_view raw, std::string_view text, Case letters) {
  if (raw.size() < text.size()) return false;
  // Nearly every text is told apart before its first escape.
  std::size_t same = 0;
  for (; same < text.size() && raw[same] != '%' && raw[same] != '+'; ++same) {
    char c = raw[same];
    if (letters == Case::ignored && c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if (c != text[same]) return false;
  }
  DecodedBytes bytes(raw.substr(same), UriPart::query);
  for (char c : text.substr(same)) {
    int byte = bytes.next();
    if (letters == Case::ignored && byte >= 'A' && byte <= 'Z') byte += 'a' - 'A';
    if (byte != static_cast<unsigned char>(c)) return false;
  }
  return bytes.next() < 0;
}

std::optional<RawParameter> RawQuery::next() {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('&');
    const std::string_view piece = rest_.substr(0, end);
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    if (equals == piece.npos) return RawParameter{piece, {}};
    return RawParameter{piece.substr(0, equals), piece.substr(equals + 1)};
  }
  return std::nullopt;
}

}  // namespace millrace::s3
