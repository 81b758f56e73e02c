// S3 checksums by algorithm; their names are in checksum_names.cpp. Thread: the request's.
// Invariant: the variant's order is the enum's.
#include "s3/digest/checksum.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace millrace::s3 {
namespace {

template <class Word>
void store_big(Word value, std::uint8_t* out) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    out[i] = static_cast<std::uint8_t>(value >> 8 * (sizeof value - 1 - i));
}

template <class Word>
Word load_big(const std::uint8_t* in) {
  Word value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = static_cast<Word>(value << 8 | in[i]);
  return value;
}

template <class Poly>
ChecksumValue combine_as(const ChecksumValue& a, const ChecksumValue& b, std::uint64_t bytes_b) {
  using Word = typename Poly::Word;
  ChecksumValue out{.algorithm = a.algorithm};
  store_big(crc_combine<Poly>(load_big<Word>(a.raw.data()), load_big<Word>(b.raw.data()), bytes_b),
            out.raw.data());
  return out;
}

}  // namespace

ChecksumText ChecksumValue::base64() const {
  ChecksumText text;
  base64_encode(bytes(), text.chars);
  text.size = static_cast<std::uint8_t>(base64_chars(bytes().size()));
  return text;
}

std::optional<ChecksumValue> ChecksumValue::parse(ChecksumAlgorithm algorithm,
                                                  std::string_view base64) {
  ChecksumValue value{.algorithm = algorithm};
  const std::size_t bytes = checksum_bytes(algorithm);
  if (bytes == 0 || base64_decode(base64, std::span(value.raw).first(bytes)) != bytes)
    return std::nullopt;
  return value;
}

void Checksum::reset(ChecksumAlgorithm algorithm) {
  algorithm_ = algorithm;
  switch (algorithm) {
    case ChecksumAlgorithm::none: state_.emplace<std::monostate>(); return;
    case ChecksumAlgorithm::crc32: state_.emplace<Crc32>(); return;
    case ChecksumAlgorithm::crc32c: state_.emplace<Crc32c>(); return;
    case ChecksumAlgorithm::crc64nvme: state_.emplace<Crc64Nvme>(); return;
    case ChecksumAlgorithm::sha1: state_.emplace<Sha1>(); return;
    case ChecksumAlgorithm::sha256: state_.emplace<Sha256>(); return;
    case ChecksumAlgorithm::sha512: state_.emplace<Sha512>(); return;
    case ChecksumAlgorithm::md5: state_.emplace<Md5>(); return;
    case ChecksumAlgorithm::xxhash64: state_.emplace<Xxhash64>(); return;
    case ChecksumAlgorithm::xxhash3: state_.emplace<Xxhash3>(); return;
    case ChecksumAlgorithm::xxhash128: state_.emplace<Xxhash128>(); return;
  }
}

void Checksum::update(std::span<const std::byte> data) {
  std::visit(
      [data](auto& state) {
        if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(state)>, std::monostate>)
          state.update(data);
      },
      state_);
}

ChecksumValue Checksum::finish() {
  ChecksumValue out{.algorithm = algorithm_};
  std::visit(
      [&out](auto& state) {
        if constexpr (requires { state.value(); }) {
          store_big(state.value(), out.raw.data());
          state.reset();
        } else if constexpr (requires { state.finish(); }) {
          const auto digest = state.finish();
          std::ranges::copy(digest, out.raw.begin());
        }
      },
      state_);
  return out;
}

ChecksumValue checksum_of(const Crc64Nvme& crc) {
  ChecksumValue out{.algorithm = ChecksumAlgorithm::crc64nvme};
  store_big(crc.value(), out.raw.data());
  return out;
}

std::optional<ChecksumValue> combine(const ChecksumValue& a, const ChecksumValue& b,
                                     std::uint64_t bytes_b) {
  if (a.algorithm != b.algorithm) return std::nullopt;
  switch (a.algorithm) {
    case ChecksumAlgorithm::crc32: return combine_as<Crc32Poly>(a, b, bytes_b);
    case ChecksumAlgorithm::crc32c: return combine_as<Crc32cPoly>(a, b, bytes_b);
    case ChecksumAlgorithm::crc64nvme: return combine_as<Crc64NvmePoly>(a, b, bytes_b);
    default: return std::nullopt;
  }
}

}  // namespace millrace::s3
