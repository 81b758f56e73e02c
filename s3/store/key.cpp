// Decoding of keys and the rules for bucket names. No allocation, one pass over
// the bytes plus one for UTF-8; runs on the shard that parses the request.
#include "s3/store/key.h"

namespace millrace::s3::store {
namespace {

constexpr int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// Length of the well-formed sequence at the start of text, 0 if there is none.
// The bounds of the second byte are RFC 3629 section 4's.
std::size_t utf8_sequence_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

bool is_ipv4_form(std::string_view name) {
  int groups = 1;
  std::size_t digits = 0;
  for (const char c : name) {
    if (c == '.') {
      if (digits == 0 || digits > 3) return false;
      ++groups;
      digits = 0;
    } else if (c >= '0' && c <= '9') {
      ++digits;
    } else {
      return false;
    }
  }
  return groups == 4 && digits >= 1 && digits <= 3;
}

constexpr bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

const char* describe(KeyError error) {
  switch (error) {
    case KeyError::empty: return "the key is empty";
    case KeyError::malformed_escape: return "the key has a malformed percent escape";
    case KeyError::too_long: return "the key is longer than 1024 bytes";
    case KeyError::nul: return "the key contains a NUL byte";
    case KeyError::invalid_utf8: return "the key is not valid UTF-8";
  }
  return "the key is invalid";
}

bool utf8_valid(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_bytes(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::expected<Key, KeyError> Key::parse(std::string_view raw) {
  if (raw.empty()) return std::unexpected(KeyError::empty);
  Key key;
  for (std::size_t at = 0; at < raw.size(); ++at) {
    char c = raw[at];
    if (c == '%') {
      const int high = at + 1 < raw.size() ? hex_value(raw[at + 1]) : -1;
      const int low = at + 2 < raw.size() ? hex_value(raw[at + 2]) : -1;
      if (high < 0 || low < 0) return std::unexpected(KeyError::malformed_escape);
      c = static_cast<char>(high * 16 + low);
      at += 2;
    }
    if (c == '\0') return std::unexpected(KeyError::nul);
    if (key.size_ == key_bytes_max) return std::unexpected(KeyError::too_long);
    key.bytes_[key.size_++] = c;
  }
  if (!utf8_valid(key.view())) return std::unexpected(KeyError::invalid_utf8);
  return key;
}

std::expected<Key, KeyError> Key::from_decoded(std::string_view decoded) {
  if (decoded.empty()) return std::unexpected(KeyError::empty);
  if (decoded.size() > key_bytes_max) return std::unexpected(KeyError::too_long);
  if (decoded.find('\0') != std::string_view::npos) return std::unexpected(KeyError::nul);
  if (!utf8_valid(decoded)) return std::unexpected(KeyError::invalid_utf8);
  Key key;
  decoded.copy(key.bytes_.data(), decoded.size());
  key.size_ = static_cast<std::uint16_t>(decoded.size());
  return key;
}

bool bucket_name_valid(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  if (!letter_or_digit(name.front()) || !letter_or_digit(name.back())) return false;
  for (const char c : name) {
    if (!letter_or_digit(c) && c != '.' && c != '-') return false;
  }
  if (name.find("..") != std::string_view::npos || is_ipv4_form(name)) return false;
  for (const std::string_view prefix : {"xn--", "sthree-", "amzn-s3-demo-"}) {
    if (name.starts_with(prefix)) return false;
  }
  for (const std::string_view suffix : {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}) {
    if (name.ends_with(suffix)) return false;
  }
  return true;
}

}  // namespace millrace::s3::store
