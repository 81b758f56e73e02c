// An object's S3 checksum of any algorithm the service knows: running, finished, as text.
// Thread: the one that owns the request. Invariant: a Checksum's algorithm changes only by
// reset(); a ChecksumValue holds exactly its algorithm's number of bytes, big-endian.
#pragma once

#include "s3/digest/crc.h"
#include "s3/digest/encoding.h"
#include "s3/digest/hash.h"
#include "s3/digest/xx_digest.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace millrace::s3 {

// Values are on disk (s3/store/metadata.h, StoredChecksum): never renumber.
enum class ChecksumAlgorithm : std::uint8_t {
  none,
  crc32,
  crc32c,
  crc64nvme,
  sha1,
  sha256,
  sha512,
  md5,
  xxhash64,
  xxhash3,
  xxhash128,
};

// What every object gets whose sender says nothing, as AWS adds it: the cheapest of those that
// parts combine to.
inline constexpr ChecksumAlgorithm default_checksum = ChecksumAlgorithm::crc64nvme;
inline constexpr std::size_t checksum_algorithms = 10;  // not counting none
inline constexpr std::size_t checksum_bytes_max = 64;

// "x-amz-checksum-crc32" and so on; empty for none.
std::string_view checksum_header(ChecksumAlgorithm algorithm);
// "CRC32" and so on, as in x-amz-checksum-algorithm and in XML; empty for none.
std::string_view checksum_name(ChecksumAlgorithm algorithm);
// "crc32" and so on, as error messages have it; "null" for none.
std::string_view checksum_lower_name(ChecksumAlgorithm algorithm);
// "ChecksumCRC32" and so on, the element of XML; empty for none.
std::string_view checksum_element(ChecksumAlgorithm algorithm);
// What AWS says of a header that is no value of the algorithm, and of a value that is not the
// body's. Constants.
std::string_view checksum_invalid_text(ChecksumAlgorithm algorithm);
std::string_view checksum_mismatch_text(ChecksumAlgorithm algorithm);
std::size_t checksum_bytes(ChecksumAlgorithm algorithm);
// "Checking object integrity": CRC-64/NVME is of the full object only, the other CRCs of either
// kind, and whatever cannot be combined is composite in a multipart upload.
bool checksum_type_possible(ChecksumAlgorithm algorithm, bool composite);

// By header name, in any case; by algorithm name, in any case as AWS takes it.
// x-amz-checksum-type, -mode and -algorithm are none.
std::optional<ChecksumAlgorithm> checksum_of_header(std::string_view header);
std::optional<ChecksumAlgorithm> checksum_of_name(std::string_view name);
// Whether the name begins with x-amz-checksum-, whatever follows.
bool is_checksum_header(std::string_view header);

struct ChecksumText {
  std::array<char, base64_chars(checksum_bytes_max)> chars{};
  std::uint8_t size = 0;
  std::string_view view() const { return {chars.data(), size}; }
};

struct ChecksumValue {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::none;
  std::array<std::uint8_t, checksum_bytes_max> raw{};  // zero beyond the algorithm's length

  std::span<const std::uint8_t> bytes() const { return {raw.data(), checksum_bytes(algorithm)}; }
  ChecksumText base64() const;
  bool operator==(const ChecksumValue&) const = default;

  // From a header's or trailer's base64 text; nothing unless it is exactly the right length.
  static std::optional<ChecksumValue> parse(ChecksumAlgorithm algorithm, std::string_view base64);
};

class Checksum {
 public:
  Checksum() = default;
  explicit Checksum(ChecksumAlgorithm algorithm) { reset(algorithm); }
  void reset(ChecksumAlgorithm algorithm);
  void update(std::span<const std::byte> data);
  ChecksumAlgorithm algorithm() const { return algorithm_; }
  // Of everything since reset(); the object is then as after reset().
  ChecksumValue finish();

 private:
  ChecksumAlgorithm algorithm_ = ChecksumAlgorithm::none;
  std::variant<std::monostate, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256, Sha512, Md5, Xxhash64,
               Xxhash3, Xxhash128>
      state_;
};

// What a running CRC has come to.
ChecksumValue checksum_of(const Crc64Nvme& crc);

// The value of A followed by B, of which B has bytes_b bytes; nothing for algorithms that
// can't be combined (all but the CRCs) or that differ.
std::optional<ChecksumValue> combine(const ChecksumValue& a, const ChecksumValue& b,
                                     std::uint64_t bytes_b);

}  // namespace millrace::s3
