// S3 checksums by algorithm. Thread: the request's. Invariant: the table's order is the
// enum's, and so is the variant's.
#include "s3/digest/checksum.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace millrace::s3 {
namespace {

struct Row {
  std::string_view header;
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<Row, 6> rows{{
    {"", "", 0},
    {"x-amz-checksum-crc32", "CRC32", 4},
    {"x-amz-checksum-crc32c", "CRC32C", 4},
    {"x-amz-checksum-crc64nvme", "CRC64NVME", 8},
    {"x-amz-checksum-sha1", "SHA1", 20},
    {"x-amz-checksum-sha256", "SHA256", 32},
}};

const Row& row_of(ChecksumAlgorithm algorithm) {
  return rows[std::to_underlying(algorithm)];
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equal_fold(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

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

std::string_view checksum_header(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).header;
}
std::string_view checksum_name(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).name;
}
std::size_t checksum_bytes(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).bytes;
}

std::optional<ChecksumAlgorithm> checksum_of_header(std::string_view header) {
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (equal_fold(header, rows[i].header)) return static_cast<ChecksumAlgorithm>(i);
  return std::nullopt;
}

std::optional<ChecksumAlgorithm> checksum_of_name(std::string_view name) {
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (equal_fold(name, rows[i].name)) return static_cast<ChecksumAlgorithm>(i);
  return std::nullopt;
}

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

std::optional<ChecksumValue> combine(const ChecksumValue& a, const ChecksumValue& b,
                                     std::uint64_t bytes_b) {
  if (a.algorithm != b.algorithm) return std::nullopt;
  switch (a.algorithm) {
    case ChecksumAlgorithm::crc32: return combine_as<Crc32Poly>(a, b, bytes_b);
    case ChecksumAlgorithm::crc32c: return combine_as<Crc32cPoly>(a, b, bytes_b);
    case ChecksumAlgorithm::crc64nvme: return combine_as<Crc64NvmePoly>(a, b, bytes_b);
    case ChecksumAlgorithm::none:
    case ChecksumAlgorithm::sha1:
    case ChecksumAlgorithm::sha256: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace millrace::s3
