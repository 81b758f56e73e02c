// CRCs: published check values, the fast way against the tables, and combine.
#include "s3/digest/crc.h"

#include "s3/digest/hash.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

namespace millrace::s3 {
namespace {

std::vector<std::byte> random_bytes(std::size_t size, std::mt19937_64& random) {
  std::vector<std::byte> out(size);
  for (std::byte& byte : out) byte = static_cast<std::byte>(random());
  return out;
}

// Bit by bit, straight from the definition.
template <class Poly>
typename Poly::Word slow_crc(std::span<const std::byte> data) {
  auto state = static_cast<typename Poly::Word>(~typename Poly::Word{0});
  for (std::byte byte : data) {
    state ^= std::to_integer<typename Poly::Word>(byte);
    for (int bit = 0; bit < 8; ++bit)
      state = static_cast<typename Poly::Word>(state >> 1 ^ (state & 1 ? Poly::poly : 0));
  }
  return static_cast<typename Poly::Word>(~state);
}

// The values of the "check" column in the catalogue of parametrised CRC algorithms.
TEST_CASE("crc: check values") {
  const auto check = bytes_of("123456789");
  CHECK(crc_update<Crc32Poly>(0, check) == 0xCBF43926);
  CHECK(crc_update<Crc32cPoly>(0, check) == 0xE3069283);
  CHECK(crc_update<Crc64NvmePoly>(0, check) == 0xAE8B14860A799888);
  CHECK(crc_update<Crc32Poly>(0, {}) == 0);
  CHECK(crc_update<Crc64NvmePoly>(0, {}) == 0);
  // RFC 3720, B.4: 32 bytes of zeros, of ones.
  const std::vector<std::byte> zeros(32, std::byte{0});
  const std::vector<std::byte> ones(32, std::byte{0xff});
  CHECK(crc_update<Crc32cPoly>(0, zeros) == 0x8A9136AA);
  CHECK(crc_update<Crc32cPoly>(0, ones) == 0x62A8AB43);
}

TEST_CASE_TEMPLATE("crc: every length and alignment agrees with the definition", Poly, Crc32Poly,
                   Crc32cPoly, Crc64NvmePoly) {
  std::mt19937_64 random(1);
  const auto data = random_bytes(1700, random);
  for (std::size_t size = 0; size <= 1600; ++size) {
    const auto piece = std::span(data).subspan(size % 17, size);
    const auto expected = slow_crc<Poly>(piece);
    CHECK(crc_update<Poly>(0, piece, CrcPath::fastest) == expected);
    CHECK(crc_update<Poly>(0, piece, CrcPath::portable) == expected);
  }
}

TEST_CASE_TEMPLATE("crc: continues and combines at any cut", Poly, Crc32Poly, Crc32cPoly,
                   Crc64NvmePoly) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    const auto data = random_bytes(1 + random() % 5'000, random);
    const std::size_t cut = random() % (data.size() + 1);
    const auto a = std::span(data).first(cut);
    const auto b = std::span(data).subspan(cut);
    const auto whole = crc_update<Poly>(0, data);
    const auto crc_a = crc_update<Poly>(0, a);
    const auto crc_b = crc_update<Poly>(0, b);
    CHECK(crc_update<Poly>(crc_a, b) == whole);
    CHECK(crc_combine<Poly>(crc_a, crc_b, b.size()) == whole);
    if (cut != data.size()) CHECK(crc_combine<Poly>(crc_a, crc_b, b.size() + 1) != whole);
  }
}

TEST_CASE_TEMPLATE("crc: combine is associative over lengths beyond memory", Poly, Crc32Poly,
                   Crc32cPoly, Crc64NvmePoly) {
  const auto a = crc_update<Poly>(0, bytes_of("first"));
  const auto b = crc_update<Poly>(0, bytes_of("second"));
  const auto c = crc_update<Poly>(0, bytes_of("third"));
  const std::uint64_t bytes_b = (5ULL << 40) + 123;
  const std::uint64_t bytes_c = (1ULL << 33) + 7;
  const auto left = crc_combine<Poly>(crc_combine<Poly>(a, b, bytes_b), c, bytes_c);
  const auto right = crc_combine<Poly>(a, crc_combine<Poly>(b, c, bytes_c), bytes_b + bytes_c);
  CHECK(left == right);
}

}  // namespace
}  // namespace millrace::s3
