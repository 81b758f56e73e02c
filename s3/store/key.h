// The decoded object key, the one form of it that authorisation and storage
// both use, and the rules for bucket names. Values, no thread owns them.
// Invariant: a Key holds 1 to 1,024 bytes of valid UTF-8 without NUL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

namespace millrace::s3::store {

inline constexpr std::size_t key_bytes_max = 1024;  // after decoding (AWS: "Naming objects")

enum class KeyError : std::uint8_t {
  empty,             // no bytes at all: the request names a bucket
  malformed_escape,  // '%' without two hexadecimal digits
  too_long,          // over key_bytes_max decoded bytes: KeyTooLongError
  nul,               // a NUL byte, plain or as %00
  invalid_utf8,      // overlong, surrogate, above U+10FFFF or cut short
};

// A short English phrase for an error body or a log line.
const char* describe(KeyError error);

// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, at most U+10FFFF.
bool utf8_valid(std::string_view text);

class Key {
 public:
  // From the part of a request's path behind the bucket and its slash, as it
  // was sent. A '+' is a plus sign there (RFC 3986), never a space. When more
  // than one error applies, the first in byte order is reported, with
  // invalid_utf8 last: it is known only for the whole.
  static std::expected<Key, KeyError> parse(std::string_view raw_percent_encoded);
  // From text that is decoded already: an XML body, a copy source, a listing.
  static std::expected<Key, KeyError> from_decoded(std::string_view decoded);

  std::string_view view() const { return {bytes_.data(), size_}; }
  bool operator==(const Key& other) const { return view() == other.view(); }

 private:
  Key() = default;

  std::array<char, key_bytes_max> bytes_;
  std::uint16_t size_ = 0;
};

// AWS's rules for general purpose buckets ("General purpose bucket naming
// rules"): 3 to 63 of a-z 0-9 . and -, first and last a letter or a digit, no
// two dots together, not an IPv4 address, none of the reserved prefixes xn--
// sthree- amzn-s3-demo- nor suffixes -s3alias --ol-s3 .mrap --x-s3 --table-s3.
// Millrace reserves no further name: `.millrace` beside the buckets and
// `.mr.sys` inside them begin with a dot, so neither can be a bucket.
bool bucket_name_valid(std::string_view name);

}  // namespace millrace::s3::store
