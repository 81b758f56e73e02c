// The checksum variant: names, values in S3's own spelling, combination.
#include "s3/digest/checksum.h"

#include <doctest/doctest.h>

#include <string>

namespace millrace::s3 {
namespace {

using enum ChecksumAlgorithm;
constexpr ChecksumAlgorithm real[] = {crc32,  crc32c, crc64nvme, sha1,    sha256,
                                      sha512, md5,    xxhash64,  xxhash3, xxhash128};
static_assert(std::size(real) == checksum_algorithms);

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
  CHECK(base64(of(sha512, "abc")) ==
        "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==");
  CHECK(base64(of(md5, "abc")) == "kAFQmDzST7DWlj99KOF/cg==");
  // xxHash's canonical form; the second of each is what AWS's C++ SDK tests itself with.
  CHECK(base64(of(xxhash64, "")) == "70bbN1HY6Zk=");
  CHECK(base64(of(xxhash64, "Memento Mori")) == "gpWjYMLp9XA=");
  CHECK(base64(of(xxhash3, "")) == "LQaABTjTlMI=");
  CHECK(base64(of(xxhash3, "Memento Mori")) == "9RrF7krhuOI=");
  CHECK(base64(of(xxhash128, "")) == "maoG0wFHmNhgAcMkRo1Jfw==");
  CHECK(base64(of(xxhash128, "Memento Mori")) == "AW5DBY+18wW7VuSsFyNFAg==");
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
  for (std::string_view other : {"x-amz-checksum-", "x-amz-checksum-sha3", "x-amz-checksum-type"}) {
    CHECK_FALSE(checksum_of_header(other).has_value());
  }
  CHECK_FALSE(checksum_of_header("x-amz-meta-crc32").has_value());
  CHECK(is_checksum_header("X-Amz-Checksum-Type"));
  CHECK_FALSE(is_checksum_header("x-amz-checksum"));
  CHECK(checksum_element(crc64nvme) == "ChecksumCRC64NVME");
  CHECK(checksum_lower_name(none) == "null");
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

TEST_CASE("checksum: what an upload's can be of") {
  CHECK(checksum_type_possible(crc32, true));
  CHECK(checksum_type_possible(crc32, false));
  CHECK(checksum_type_possible(crc64nvme, false));
  CHECK_FALSE(checksum_type_possible(crc64nvme, true));
  for (ChecksumAlgorithm algorithm : real) {
    const bool whole = combine(of(algorithm, "a"), of(algorithm, "b"), 1).has_value();
    CHECK(checksum_type_possible(algorithm, false) == whole);
  }
}

// Cut anywhere, parts combine to the whole, in either order of combining.
TEST_CASE("checksum: combining is associative, and nothing changes nothing") {
  const std::string text = "the quick brown fox jumps over the lazy dog, twice";
  for (ChecksumAlgorithm algorithm : {crc32, crc32c, crc64nvme}) {
    const ChecksumValue whole = of(algorithm, text);
    CHECK(combine(whole, of(algorithm, ""), 0) == whole);
    CHECK(combine(of(algorithm, ""), whole, text.size()) == whole);
    for (std::size_t first = 0; first <= text.size(); first += 7) {
      for (std::size_t second = first; second <= text.size(); second += 5) {
        const auto a = of(algorithm, text.substr(0, first));
        const auto b = of(algorithm, text.substr(first, second - first));
        const auto c = of(algorithm, text.substr(second));
        const auto left = combine(*combine(a, b, second - first), c, text.size() - second);
        const auto right = combine(a, *combine(b, c, text.size() - second), text.size() - first);
        CHECK(left == whole);
        CHECK(right == whole);
      }
    }
  }
}

TEST_CASE("checksum: of a CRC that runs alone") {
  Crc64Nvme crc;
  crc.update(bytes_of("pay"));
  crc.update(bytes_of("load"));
  CHECK(checksum_of(crc) == of(crc64nvme, "payload"));
}

TEST_CASE("checksum: combine") {
  for (ChecksumAlgorithm algorithm : {crc32, crc32c, crc64nvme})
    CHECK(combine(of(algorithm, "first "), of(algorithm, "second"), 6) ==
          of(algorithm, "first second"));
  for (ChecksumAlgorithm algorithm : {sha1, sha256, sha512, md5, xxhash64, xxhash3, xxhash128})
    CHECK_FALSE(combine(of(algorithm, "a"), of(algorithm, "b"), 1).has_value());
  CHECK_FALSE(combine(of(crc32, "a"), of(crc32c, "b"), 1).has_value());
  CHECK_FALSE(combine(of(none, "a"), of(none, "b"), 1).has_value());
}

}  // namespace
}  // namespace millrace::s3
