// Percent-encoded text read in place: decoding, comparing, and cutting a query into its
// parameters, without copies. Thread: any; no state.
// Invariant: a signature covers the decoded bytes, so whoever uses a path or a parameter after
// authentication must decode it once, by these functions: '+' is a space in a query and a plus
// in a path.
#pragma once

#include "s3/digest/encoding.h"

#include <array>
#include <cstddef>
#include <cstdint>
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

// More parameters than any S3 request has; it bounds the sorting of a hostile query.
inline constexpr std::size_t query_parameters_max = 256;

struct RawParameter {
  std::string_view name;
  std::string_view value;  // empty also where there was no '='
  bool name_encoded = false;
};

// A query cut into its parameters, in the order sent; empty pieces ("a&&b") are no parameters.
// Made once for each request; views point into the query.
class QueryParameters {
 public:
  QueryParameters(std::string_view query);

  // False where there are more than query_parameters_max (or over 32 KiB, which no head has): then
  // it holds none of them, and the request must be refused.
  bool whole() const { return whole_; }
  std::size_t size() const { return count_; }
  std::string_view text() const { return query_; }
  RawParameter operator[](std::size_t i) const {
    const Place& place = places_[i];
    return {query_.substr(place.name_at, place.name_size),
            query_.substr(place.value_at, place.value_size), place.name_encoded != 0};
  }

  // The first parameter whose decoded name is the plain one. A name that occurs twice counts as
  // its first occurrence, everywhere.
  std::optional<RawParameter> find(std::string_view name) const;
  // Whether a decoded name may begin with this lower-case letter: cheaper than to look for it.
  bool may_begin_with(char letter) const {
    return (initials_ & (std::uint32_t{1} << (letter - 'a'))) != 0;
  }

  class Iterator {
   public:
    Iterator(const QueryParameters& query, std::size_t at) : query_(query), at_(at) {}
    RawParameter operator*() const { return query_[at_]; }
    Iterator& operator++() { return ++at_, *this; }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const QueryParameters& query_;
    std::size_t at_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, count_}; }

 private:
  struct Place {  // in the query
    std::uint16_t name_at, name_size, value_at;
    std::uint16_t value_size : 15, name_encoded : 1;
  };

  std::string_view query_;
  std::uint32_t initials_ = 0;
  std::uint16_t count_ = 0;
  bool whole_ = true;
  std::array<Place, query_parameters_max> places_;  // the first count_ are set
};

}  // namespace millrace::s3
