// The three CRCs of S3: CRC-32 (zlib), CRC-32C and CRC-64/NVME. All are reflected, start from
// all ones and are inverted at the end, so one implementation serves them.
// Thread: any one at a time. Invariant: a value is the CRC of the bytes so far (a finished
// CRC, as zlib's crc32() returns), so it can be kept and continued.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace::s3 {

// Reflected polynomials: bit 0 of the byte stream is the highest power.
struct Crc32Poly {
  using Word = std::uint32_t;
  static constexpr Word poly = 0xEDB88320;
};
struct Crc32cPoly {
  using Word = std::uint32_t;
  static constexpr Word poly = 0x82F63B78;
};
struct Crc64NvmePoly {
  using Word = std::uint64_t;
  static constexpr Word poly = 0x9A6C9329AC4BC9B5;
};

enum class CrcPath : std::uint8_t {
  fastest,   // carry-less multiplication where the processor has it
  portable,  // tables only, for processors without it and for tests
};

// Continues crc (0 to begin) over data.
template <class Poly>
typename Poly::Word crc_update(typename Poly::Word crc, std::span<const std::byte> data,
                               CrcPath path = CrcPath::fastest);

// The CRC of A followed by B, from theirs and the length of B; about 64 steps for each bit set
// in that length.
template <class Poly>
typename Poly::Word crc_combine(typename Poly::Word crc_a, typename Poly::Word crc_b,
                                std::uint64_t bytes_b);

template <class Poly>
class Crc {
 public:
  using Word = typename Poly::Word;
  void reset() { value_ = 0; }
  void update(std::span<const std::byte> data) { value_ = crc_update<Poly>(value_, data); }
  Word value() const { return value_; }

 private:
  Word value_ = 0;
};

using Crc32 = Crc<Crc32Poly>;
using Crc32c = Crc<Crc32cPoly>;
using Crc64Nvme = Crc<Crc64NvmePoly>;

}  // namespace millrace::s3
