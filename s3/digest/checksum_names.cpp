// How S3 spells the checksum algorithms, and what it says of values that are wrong: all texts are
// constants, so that answers can point to them. Thread: any. Invariant: the table's order is the
// enum's.
#include "s3/digest/checksum.h"

#include <algorithm>
#include <utility>

namespace millrace::s3 {
namespace {

struct Row {
  std::string_view lower;
  std::string_view header;
  std::string_view name;
  std::string_view element;
  std::string_view invalid;
  std::string_view mismatch;
  std::size_t bytes;
};

// Constants joined by the preprocessor: answers hold views of them.
#define MILLRACE_CHECKSUM_ROW(lower, upper, bytes)                                  \
  Row {                                                                             \
    lower, "x-amz-checksum-" lower, upper, "Checksum" upper,                        \
        "Value for x-amz-checksum-" lower " header is invalid.",                    \
        "The " upper " you specified did not match the calculated checksum.", bytes \
  }

constexpr std::array<Row, checksum_algorithms + 1> rows{{
    {.lower = "null", .bytes = 0},
    MILLRACE_CHECKSUM_ROW("crc32", "CRC32", 4),
    MILLRACE_CHECKSUM_ROW("crc32c", "CRC32C", 4),
    MILLRACE_CHECKSUM_ROW("crc64nvme", "CRC64NVME", 8),
    MILLRACE_CHECKSUM_ROW("sha1", "SHA1", 20),
    MILLRACE_CHECKSUM_ROW("sha256", "SHA256", 32),
    MILLRACE_CHECKSUM_ROW("sha512", "SHA512", 64),
    MILLRACE_CHECKSUM_ROW("md5", "MD5", 16),
    MILLRACE_CHECKSUM_ROW("xxhash64", "XXHASH64", 8),
    MILLRACE_CHECKSUM_ROW("xxhash3", "XXHASH3", 8),
    MILLRACE_CHECKSUM_ROW("xxhash128", "XXHASH128", 16),
}};
#undef MILLRACE_CHECKSUM_ROW

constexpr std::string_view header_prefix = "x-amz-checksum-";

const Row& row_of(ChecksumAlgorithm algorithm) {
  return rows[std::to_underlying(algorithm)];
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equal_fold(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view checksum_header(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).header;
}
std::string_view checksum_name(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).name;
}
std::string_view checksum_lower_name(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).lower;
}
std::string_view checksum_element(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).element;
}
std::string_view checksum_invalid_text(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).invalid;
}
std::string_view checksum_mismatch_text(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).mismatch;
}
std::size_t checksum_bytes(ChecksumAlgorithm algorithm) {
  return row_of(algorithm).bytes;
}

bool is_checksum_header(std::string_view header) {
  return header.size() > header_prefix.size() &&
         equal_fold(header.substr(0, header_prefix.size()), header_prefix);
}

std::optional<ChecksumAlgorithm> checksum_of_header(std::string_view header) {
  if (!is_checksum_header(header)) return std::nullopt;
  return checksum_of_name(header.substr(header_prefix.size()));
}

std::optional<ChecksumAlgorithm> checksum_of_name(std::string_view name) {
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (equal_fold(name, rows[i].name)) return static_cast<ChecksumAlgorithm>(i);
  return std::nullopt;
}

bool checksum_type_possible(ChecksumAlgorithm algorithm, bool composite) {
  switch (algorithm) {
    case ChecksumAlgorithm::none:
    case ChecksumAlgorithm::crc64nvme: return !composite;
    case ChecksumAlgorithm::crc32:
    case ChecksumAlgorithm::crc32c: return true;
    default: return composite;
  }
}

}  // namespace millrace::s3
