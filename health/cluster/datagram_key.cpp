// The seal of datagrams; see datagram.h. The only file of this layer that knows OpenSSL.
#include "health/cluster/datagram.h"

#include "engine/check.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace millrace::health::cluster {

namespace {

constexpr std::string_view purpose = "millrace datagrams 1";

DatagramKey::Seal hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> bytes) {
  DatagramKey::Seal seal{};
  unsigned length = 0;
  const unsigned char* made = ::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                     bytes.data(), bytes.size(), seal.data(), &length);
  CHECK(made != nullptr && length == seal.size());
  return seal;
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

DatagramKey::DatagramKey(std::string_view peer_key)
    : key_(hmac(bytes_of(peer_key), bytes_of(purpose))) {}

DatagramKey::Seal DatagramKey::seal_of(std::span<const std::uint8_t> bytes) const {
  return hmac(key_, bytes);
}

bool DatagramKey::fits(std::span<const std::uint8_t> bytes,
                       std::span<const std::uint8_t> seal) const {
  const Seal made = seal_of(bytes);
  return seal.size() == made.size() && ::CRYPTO_memcmp(made.data(), seal.data(), made.size()) == 0;
}

}  // namespace millrace::health::cluster
