// Percent-encoding (RFC 3986 section 2.1) and query syntax. Thread: any.
// Invariant: reads each byte of its input once.
#include "s3/auth/percent.h"

namespace millrace::s3 {

bool percent_valid(std::string_view raw) {
  for (std::size_t at = raw.find('%'); at != raw.npos; at = raw.find('%', at + 3)) {
    if (raw.size() - at < 3 || hex_digit(raw[at + 1]) < 0 || hex_digit(raw[at + 2]) < 0)
      return false;
  }
  return true;
}

std::optional<std::string_view> percent_decode(std::string_view raw, UriPart part,
                                               std::span<char> room) {
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
  DecodedBytes bytes(raw, UriPart::query);
  for (char c : text) {
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
