// Percent-encoded text read in place: decoding, comparing, and cutting a query into its
// parameters, without copies. Thread: any; no state.
// Invariant: a signature covers the decoded bytes, so whoever uses a path or a parameter after
// authentication must decode it once, by these functions: '+' is a space in a query and a plus
// in a path.
#pragma once

#include "s3/digest/encoding.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace millrace::s3 {

enum class UriPart : unsigned char { path, query };

// Whether each '%' is followed by two hex digits.
bool percent_valid(std::string_view raw);

// Whether decoding could change the text.
bool is_encoded(std::string_view raw, UriPart part);

// The decoded bytes of a valid text, one by one.
class DecodedBytes {
 public:
  DecodedBytes(std::string_view raw, UriPart part) : raw_(raw), part_(part) {}
  // 0 to 255, or -1 at the end.
  int next() {
    if (at_ == raw_.size()) return -1;
    const char c = raw_[at_++];
    if (c == '+' && part_ == UriPart::query) return ' ';
    if (c != '%' || raw_.size() - at_ < 2) return static_cast<unsigned char>(c);
    const int high = hex_digit(raw_[at_]);
    const int low = hex_digit(raw_[at_ + 1]);
    if (high < 0 || low < 0) return '%';
    at_ += 2;
    return high << 4 | low;
  }

 private:
  std::string_view raw_;
  std::size_t at_ = 0;
  UriPart part_;
};

// The decoded text in the front of `room`; nothing when it doesn't fit.
std::optional<std::string_view> percent_decode(std::string_view raw, UriPart part,
                                               std::span<char> room);

// Whether a query's raw text decodes to this; ASCII case-insensitive when asked, and then
// `text` must be lower case.
enum class Case : unsigned char { exact, ignored };
bool decodes_to(std::string_view raw, std::string_view text, Case letters);

struct RawParameter {
  std::string_view name;
  std::string_view value;  // empty also where there was no '='
};

// A query's parameters in the order sent; empty pieces ("a&&b") are no parameters.
class RawQuery {
 public:
  explicit RawQuery(std::string_view raw) : rest_(raw) {}
  std::optional<RawParameter> next();

 private:
  std::string_view rest_;
};

}  // namespace millrace::s3
