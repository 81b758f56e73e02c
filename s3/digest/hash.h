// MD5, SHA-1, SHA-256 and SHA-512 as plain values: trivially copyable, no heap, no locks. They call
// libcrypto's block functions and not EVP, because in OpenSSL 3.0 every EVP_DigestInit_ex
// allocates a context (measured: one malloc a digest), which no request may do.
// Thread: any one at a time. Invariant: after finish() the object is ready for a new message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace millrace::s3 {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

class Md5 {
 public:
  static constexpr std::size_t digest_bytes = 16;
  using Digest = std::array<std::uint8_t, digest_bytes>;

  Md5() { reset(); }
  void reset();
  void update(std::span<const std::byte> data);
  void update(std::string_view text) { update(bytes_of(text)); }
  // The digest of everything since the last reset; resets.
  Digest finish();

  // For whole blocks that are hashed elsewhere (md5_lanes.h), which begin where a block of the
  // message does: when partial_bytes() is 0.
  static constexpr std::size_t block_bytes = 64;
  using Chain = std::array<std::uint32_t, 4>;  // A, B, C, D of RFC 1321, 3.3
  std::size_t partial_bytes() const;           // of the last block, which is not full yet
  Chain chain() const;
  void continue_from(const Chain& chain, std::uint64_t blocks);

 private:
  alignas(8) std::array<std::byte, 96> state_;
};

class Sha1 {
 public:
  static constexpr std::size_t digest_bytes = 20;
  using Digest = std::array<std::uint8_t, digest_bytes>;

  Sha1() { reset(); }
  void reset();
  void update(std::span<const std::byte> data);
  void update(std::string_view text) { update(bytes_of(text)); }
  Digest finish();

 private:
  alignas(8) std::array<std::byte, 96> state_;
};

class Sha256 {
 public:
  static constexpr std::size_t digest_bytes = 32;
  using Digest = std::array<std::uint8_t, digest_bytes>;

  Sha256() { reset(); }
  void reset();
  void update(std::span<const std::byte> data);
  void update(std::string_view text) { update(bytes_of(text)); }
  Digest finish();

 private:
  alignas(8) std::array<std::byte, 112> state_;
};

class Sha512 {
 public:
  static constexpr std::size_t digest_bytes = 64;
  using Digest = std::array<std::uint8_t, digest_bytes>;

  Sha512() { reset(); }
  void reset();
  void update(std::span<const std::byte> data);
  Digest finish();

 private:
  alignas(8) std::array<std::byte, 216> state_;
};

Sha256::Digest sha256(std::string_view text);

// HMAC-SHA-256 (RFC 2104) of the pieces one after another. Keys of any length.
Sha256::Digest hmac_sha256(std::span<const std::uint8_t> key,
                           std::initializer_list<std::string_view> pieces);
Sha256::Digest hmac_sha256(std::string_view key, std::string_view data);

// Equal contents, in a time that depends on the lengths only.
bool constant_time_equal(std::span<const std::byte> a, std::span<const std::byte> b);
bool constant_time_equal(std::string_view a, std::string_view b);

// Overwrites a secret so that the compiler can't drop the stores.
void wipe(std::span<std::byte> secret);

}  // namespace millrace::s3
