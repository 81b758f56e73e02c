// The one file here that includes OpenSSL. The states are kept as bytes in hash.h, so that no
// other file sees libcrypto's headers. Thread: any. Invariant: a state always holds a context
// that its _Init function has prepared.

// The block functions carry a deprecation mark since 3.0 in favour of EVP; hash.h says why
// they are used all the same.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "s3/digest/hash.h"

#include "engine/check.h"

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include <new>
#include <type_traits>

namespace millrace::s3 {
namespace {

template <class Context, std::size_t N>
Context* context_of(std::array<std::byte, N>& state) {
  static_assert(sizeof(Context) <= N && alignof(Context) <= 8);
  static_assert(std::is_trivially_copyable_v<Context>);
  return std::launder(reinterpret_cast<Context*>(state.data()));
}

template <class Context, std::size_t N>
const Context* context_of(const std::array<std::byte, N>& state) {
  return std::launder(reinterpret_cast<const Context*>(state.data()));
}

// Begins the lifetime of a context in the bytes.
template <class Context, std::size_t N>
Context* fresh(std::array<std::byte, N>& state) {
  static_assert(sizeof(Context) <= N);
  return ::new (state.data()) Context;
}

constexpr std::size_t block_bytes = 64;

}  // namespace

void Md5::reset() {
  CHECK(MD5_Init(fresh<MD5_CTX>(state_)) == 1);
}

void Md5::update(std::span<const std::byte> data) {
  CHECK(MD5_Update(context_of<MD5_CTX>(state_), data.data(), data.size()) == 1);
}

Md5::Digest Md5::finish() {
  Digest out;
  CHECK(MD5_Final(out.data(), context_of<MD5_CTX>(state_)) == 1);
  reset();
  return out;
}

std::size_t Md5::partial_bytes() const {
  return context_of<MD5_CTX>(state_)->num;
}

Md5::Chain Md5::chain() const {
  const MD5_CTX& context = *context_of<MD5_CTX>(state_);
  return {context.A, context.B, context.C, context.D};
}

void Md5::continue_from(const Chain& chain, std::uint64_t blocks) {
  MD5_CTX& context = *context_of<MD5_CTX>(state_);
  CHECK(context.num == 0);
  context.A = chain[0];
  context.B = chain[1];
  context.C = chain[2];
  context.D = chain[3];
  // The length so far, in bits.
  const std::uint64_t bits =
      (std::uint64_t{context.Nh} << 32 | context.Nl) + blocks * block_bytes * 8;
  context.Nl = static_cast<MD5_LONG>(bits);
  context.Nh = static_cast<MD5_LONG>(bits >> 32);
}

void Sha1::reset() {
  CHECK(SHA1_Init(fresh<SHA_CTX>(state_)) == 1);
}

void Sha1::update(std::span<const std::byte> data) {
  CHECK(SHA1_Update(context_of<SHA_CTX>(state_), data.data(), data.size()) == 1);
}

Sha1::Digest Sha1::finish() {
  Digest out;
  CHECK(SHA1_Final(out.data(), context_of<SHA_CTX>(state_)) == 1);
  reset();
  return out;
}

void Sha256::reset() {
  CHECK(SHA256_Init(fresh<SHA256_CTX>(state_)) == 1);
}

void Sha256::update(std::span<const std::byte> data) {
  CHECK(SHA256_Update(context_of<SHA256_CTX>(state_), data.data(), data.size()) == 1);
}

Sha256::Digest Sha256::finish() {
  Digest out;
  CHECK(SHA256_Final(out.data(), context_of<SHA256_CTX>(state_)) == 1);
  reset();
  return out;
}

void Sha512::reset() {
  CHECK(SHA512_Init(fresh<SHA512_CTX>(state_)) == 1);
}

void Sha512::update(std::span<const std::byte> data) {
  CHECK(SHA512_Update(context_of<SHA512_CTX>(state_), data.data(), data.size()) == 1);
}

Sha512::Digest Sha512::finish() {
  Digest out;
  CHECK(SHA512_Final(out.data(), context_of<SHA512_CTX>(state_)) == 1);
  reset();
  return out;
}

Sha256::Digest sha256(std::string_view text) {
  Sha256 hasher;
  hasher.update(text);
  return hasher.finish();
}

Sha256::Digest hmac_sha256(std::span<const std::uint8_t> key,
                           std::initializer_list<std::string_view> pieces) {
  std::array<std::uint8_t, block_bytes> padded{};
  Sha256 hasher;
  if (key.size() > block_bytes) {
    hasher.update(std::as_bytes(key));
    const Sha256::Digest short_key = hasher.finish();
    std::copy(short_key.begin(), short_key.end(), padded.begin());
  } else {
    std::copy(key.begin(), key.end(), padded.begin());
  }
  for (std::uint8_t& byte : padded) byte ^= 0x36;
  hasher.update(std::as_bytes(std::span(padded)));
  for (std::string_view piece : pieces) hasher.update(piece);
  const Sha256::Digest inner = hasher.finish();
  for (std::uint8_t& byte : padded) byte ^= 0x36 ^ 0x5c;
  hasher.update(std::as_bytes(std::span(padded)));
  hasher.update(std::as_bytes(std::span(inner)));
  wipe(std::as_writable_bytes(std::span(padded)));
  return hasher.finish();
}

Sha256::Digest hmac_sha256(std::string_view key, std::string_view data) {
  return hmac_sha256({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()}, {data});
}

bool constant_time_equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return constant_time_equal(bytes_of(a), bytes_of(b));
}

void wipe(std::span<std::byte> secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
}

}  // namespace millrace::s3
