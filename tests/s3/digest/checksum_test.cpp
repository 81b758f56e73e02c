// The checksum variant: names, values in S3's own spelling, combination.
#include "s3/digest/checksum.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace::s3 {
namespace {

using enum ChecksumAlgorithm;
constexpr ChecksumAlgorithm real[] = {crc32, crc32c, crc64nvme, sha1, sha256};

ChecksumValue of(ChecksumAlgorithm algorithm, std::string_view text) {
  Checksum checksum(algorithm);
  checksum.update(bytes_of(text));
  return checksum.finish();
}

std::string base64(const ChecksumValue& value) {
  return std::string(value.base64().view());
}

TEST_CASE("checksum: values as base64, big-endian") {
  CHECK(base64(of(crc32, "123456789")) == "y/Q5Jg==");
  CHECK(base64(of(crc32c, "123456789")) == "4waSgw==");
  CHECK(base64(of(crc64nvme, "123456789")) == "rosUhgp5mIg=");
  CHECK(base64(of(sha1, "abc")) == "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
  CHECK(base64(of(sha256, "abc")) == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  CHECK(base64(of(none, "abc")).empty());
  CHECK(of(none, "abc").bytes().empty());
}

TEST_CASE("checksum: names") {
  for (ChecksumAlgorithm algorithm : real) {
    CHECK(checksum_of_header(checksum_header(algorithm)) == algorithm);
    CHECK(checksum_of_name(checksum_name(algorithm)) == algorithm);
    CHECK(of(algorithm, "x").bytes().size() == checksum_bytes(algorithm));
  }
  CHECK(checksum_of_header("X-Amz-Checksum-CRC64NVME") == crc64nvme);
  CHECK(checksum_of_name("sha256") == sha256);
  CHECK_FALSE(checksum_of_header("").has_value());
  CHECK_FALSE(checksum_of_header("x-amz-checksum-md5").has_value());
  CHECK_FALSE(checksum_of_name("").has_value());
  CHECK_FALSE(checksum_of_name("CRC3").has_value());
}

TEST_CASE("checksum: parse is exact") {
  for (ChecksumAlgorithm algorithm : real) {
    const ChecksumValue value = of(algorithm, "payload");
    CHECK(ChecksumValue::parse(algorithm, base64(value)) == value);
    CHECK_FALSE(ChecksumValue::parse(algorithm, base64(value) + "AAAA").has_value());
    CHECK_FALSE(ChecksumValue::parse(algorithm, "AAA=").has_value());
    CHECK_FALSE(ChecksumValue::parse(algorithm, "").has_value());
  }
  CHECK_FALSE(ChecksumValue::parse(none, "").has_value());
}

TEST_CASE("checksum: reuse") {
  Checksum checksum(crc32);
  for (ChecksumAlgorithm algorithm : real) {
    checksum.reset(algorithm);
    CHECK(checksum.algorithm() == algorithm);
    checksum.update(bytes_of("pay"));
    checksum.update(bytes_of("load"));
    CHECK(checksum.finish() == of(algorithm, "payload"));
    checksum.update(bytes_of("payload"));
    CHECK(checksum.finish() == of(algorithm, "payload"));
  }
}

TEST_CASE("checksum: combine") {
  for (ChecksumAlgorithm algorithm : {crc32, crc32c, crc64nvme})
    CHECK(combine(of(algorithm, "first "), of(algorithm, "second"), 6) ==
          of(algorithm, "first second"));
  CHECK_FALSE(combine(of(sha1, "a"), of(sha1, "b"), 1).has_value());
  CHECK_FALSE(combine(of(sha256, "a"), of(sha256, "b"), 1).has_value());
  CHECK_FALSE(combine(of(crc32, "a"), of(crc32c, "b"), 1).has_value());
  CHECK_FALSE(combine(of(none, "a"), of(none, "b"), 1).has_value());
}

}  // namespace
}  // namespace millrace::s3
