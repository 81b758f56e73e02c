// SigV4's signing key, derived from the secret for one day and region, and a cache of them.
// Thread: a cache belongs to one shard. Invariant: an entry is used only for the very secret
// it was derived from, so a rotated secret can't be outlived by its keys.
#pragma once

#include "s3/auth/fixed_text.h"
#include "s3/digest/hash.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::s3 {

using SigningKey = Sha256::Digest;

inline constexpr std::size_t scope_bytes_max = 96;  // "20130524/us-east-1/s3/aws4_request"
inline constexpr std::size_t region_bytes_max = 32;

// date is "YYYYMMDD"; the service is always s3. Four HMACs; no heap.
SigningKey derive_signing_key(std::string_view secret, std::string_view date,
                              std::string_view region);

// The one signature of SigV4: HMAC of
//   first_line \n timestamp \n scope \n rest...
Sha256::Digest sign_text(const SigningKey& key, std::string_view first_line,
                         std::string_view timestamp, std::string_view scope, std::string_view rest);

class SigningKeyCache final {
 public:
  SigningKeyCache() : entries_(set_count * ways) {}
  SigningKeyCache(const SigningKeyCache&) = delete;
  SigningKeyCache& operator=(const SigningKeyCache&) = delete;
  ~SigningKeyCache();

  // From the cache or derived and kept. Keys and secrets too long for an entry are derived
  // each time.
  SigningKey key_for(std::string_view access_key, std::string_view secret, std::string_view date,
                     std::string_view region);
  std::uint64_t hits() const { return hits_; }

 private:
  struct Entry {
    FixedText<128> access_key;
    FixedText<128> secret;
    FixedText<8> date;
    FixedText<region_bytes_max> region;
    SigningKey key{};
    std::uint64_t used_at = 0;  // 0: empty
  };
  static constexpr std::size_t set_count = 32;  // a power of two
  static constexpr std::size_t ways = 4;

  std::vector<Entry> entries_;
  std::uint64_t clock_ = 0;
  std::uint64_t hits_ = 0;
};

}  // namespace millrace::s3
