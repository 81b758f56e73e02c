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

QueryParameters::QueryParameters(std::string_view query) : query_(query) {
  constexpr std::size_t bytes_max = (1 << 15) - 1;  // of the places' fields
  const std::size_t size = query.size();
  if (size > bytes_max) {
    whole_ = false;
    return;
  }
  for (std::size_t at = 0; at < size; ++at) {  // over the '&'
    const std::size_t begin = at;
    bool encoded = false;
    for (; at < size && query[at] != '=' && query[at] != '&'; ++at) {
      encoded |= query[at] == '%' || query[at] == '+';
    }
    const std::size_t name_end = at;
    const std::size_t value = at < size && query[at] == '=' ? at + 1 : at;
    if (value != name_end) at = std::min(query.find('&', value), size);
    if (at == begin) continue;
    if (count_ == places_.size()) {
      whole_ = false;
      count_ = 0;
      return;
    }
    const char initial = query[begin];
    if (encoded) initials_ = ~std::uint32_t{0};
    if (initial >= 'a' && initial <= 'z') initials_ |= std::uint32_t{1} << (initial - 'a');
    places_[count_++] = {.name_at = static_cast<std::uint16_t>(begin),
                         .name_size = static_cast<std::uint16_t>(name_end - begin),
                         .value_at = static_cast<std::uint16_t>(value),
                         .value_size = static_cast<std::uint16_t>((at - value) & bytes_max),
                         .name_encoded = encoded};
  }
}

std::optional<RawParameter> QueryParameters::find(std::string_view name) const {
  for (const RawParameter parameter : *this) {
    if (parameter.name_encoded ? decodes_to(parameter.name, name, Case::exact)
                               : parameter.name == name) {
      return parameter;
    }
  }
  return std::nullopt;
}

}  // namespace millrace::s3
