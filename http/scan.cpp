// The head scanner. Control bytes are found 16 at a time with SSE2, which is part of x86-64;
// other processors take the byte loop.
#include "http/scan.h"

#include "http/grammar.h"
#include "http/limits.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace::http {
namespace {

constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// The first control byte (0x00 to 0x1f, 0x7f) at or after `from`, or the size.
std::size_t find_control(std::string_view bytes, std::size_t from) {
  std::size_t i = from;
#if defined(__SSE2__)
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; i + 16 <= bytes.size(); i += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + i));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
    const __m128i hits = _mm_or_si128(low, _mm_cmpeq_epi8(block, del));
    const unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(hits));
    if (mask != 0) return i + static_cast<unsigned>(__builtin_ctz(mask));
  }
#endif
  while (i < bytes.size() && !is_control(bytes[i])) ++i;
  return i;
}

std::unexpected<Reject> reject(int status, std::string_view reason) {
  return std::unexpected(Reject{status, reason});
}

}  // namespace

// `position` is that of the next control byte, or the end of what is present: every byte before
// it is in the current line. When both limits are passed at once the one passed first decides,
// as it would have had the bytes come singly.
std::expected<void, Reject> HeadScanner::check_sizes(std::size_t position) const {
  if (lines_ == 0) {
    if (position - line_begin_ <= limits::request_line_bytes_max) return {};
    return reject(414, "request line too long");
  }
  const std::size_t line_limit = line_begin_ + limits::field_bytes_max;
  const std::size_t head_limit = begin_ + limits::head_bytes_max;
  if (position <= line_limit && position <= head_limit) return {};
  return line_limit < head_limit ? reject(431, "field too large") : reject(431, "head too large");
}

std::expected<void, Reject> HeadScanner::end_line(std::string_view line) {
  if (lines_ == 0) {
    if (line.empty()) return reject(400, "empty lines before the request line");
    if (grammar::is_space(line.front())) return reject(400, "white space before the request line");
    ++lines_;
    return {};
  }
  if (grammar::is_space(line.front())) return reject(400, "folded field line");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return reject(400, "field line without colon");
  if (colon == 0) return reject(400, "field without name");
  if (grammar::is_space(line[colon - 1])) return reject(400, "white space before colon");
  if (lines_ > limits::field_count_max) return reject(431, "too many fields");
  ++lines_;
  return {};
}

std::expected<HeadScanner::Extent, Reject> HeadScanner::scan(std::string_view bytes) {
  for (;;) {
    position_ = find_control(bytes, position_);
    if (auto sizes = check_sizes(position_); !sizes) return std::unexpected(sizes.error());
    if (position_ == bytes.size()) return Extent{};
    const char control = bytes[position_];
    if (control == '\t') {
      ++position_;
      continue;
    }
    if (control == '\n') return reject(400, "LF without CR");
    if (control != '\r') return reject(400, "control byte");
    if (position_ + 1 == bytes.size()) return Extent{};
    if (bytes[position_ + 1] != '\n') return reject(400, "CR without LF");

    const std::string_view line = bytes.substr(line_begin_, position_ - line_begin_);
    position_ += 2;
    line_begin_ = position_;
    if (line.empty() && lines_ > 0) {
      if (position_ - begin_ > limits::head_bytes_max) return reject(431, "head too large");
      return Extent{begin_, position_};
    }
    if (line.empty() && begin_ == 0) {
      begin_ = position_;
      continue;
    }
    if (auto ended = end_line(line); !ended) return std::unexpected(ended.error());
  }
}

}  // namespace millrace::http
