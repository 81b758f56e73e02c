// Short text in a fixed buffer, for what must outlive the request's head without a heap.
// Thread: its owner's. Invariant: size() <= N; view() points into the object itself.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace::s3 {

template <std::size_t N>
class FixedText {
  static_assert(N <= UINT16_MAX);

 public:
  // False, and no change, when it doesn't fit.
  bool append(std::string_view text) {
    if (text.size() > N - size_) return false;
    std::copy(text.begin(), text.end(), chars_.begin() + size_);
    size_ = static_cast<std::uint16_t>(size_ + text.size());
    return true;
  }
  bool assign(std::string_view text) {
    size_ = 0;
    return append(text);
  }
  // As much of it as fits.
  void assign_cut(std::string_view text) { assign(text.substr(0, N)); }
  void clear() { size_ = 0; }
  std::string_view view() const { return {chars_.data(), size_}; }

 private:
  std::array<char, N> chars_{};
  std::uint16_t size_ = 0;
};

}  // namespace millrace::s3
