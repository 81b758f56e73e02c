// Key derivation and its set-associative cache. Thread: the shard's. Invariant: the memory is
// all taken at construction.
#include "s3/auth/signing_key.h"

#include <array>

namespace millrace::s3 {

SigningKey derive_signing_key(std::string_view secret, std::string_view date,
                              std::string_view region) {
  constexpr std::string_view prefix = "AWS4";
  constexpr std::size_t block_bytes = 64;
  // HMAC hashes keys longer than a block, so the prefixed secret never needs a buffer longer
  // than that.
  std::array<std::uint8_t, block_bytes> first_key{};
  std::size_t first_key_bytes = prefix.size() + secret.size();
  if (first_key_bytes > block_bytes) {
    Sha256 hasher;
    hasher.update(prefix);
    hasher.update(secret);
    const Sha256::Digest digest = hasher.finish();
    std::copy(digest.begin(), digest.end(), first_key.begin());
    first_key_bytes = digest.size();
  } else {
    const auto after = std::copy(prefix.begin(), prefix.end(), first_key.begin());
    std::copy(secret.begin(), secret.end(), after);
  }
  SigningKey key = hmac_sha256(std::span(first_key).first(first_key_bytes), {date});
  wipe(std::as_writable_bytes(std::span(first_key)));
  key = hmac_sha256(key, {region});
  key = hmac_sha256(key, {"s3"});
  return hmac_sha256(key, {"aws4_request"});
}

Sha256::Digest sign_text(const SigningKey& key, std::string_view first_line,
                         std::string_view timestamp, std::string_view scope,
                         std::string_view rest) {
  return hmac_sha256(key, {first_line, "\n", timestamp, "\n", scope, "\n", rest});
}

SigningKeyCache::~SigningKeyCache() {
  wipe(std::as_writable_bytes(std::span(entries_)));
}

SigningKey SigningKeyCache::key_for(std::string_view access_key, std::string_view secret,
                                    std::string_view date, std::string_view region) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (char c : access_key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  Entry* const set = &entries_[((hash ^ hash >> 32) % set_count) * ways];

  Entry* oldest = set;
  for (Entry* entry = set; entry != set + ways; ++entry) {
    if (entry->used_at != 0 && entry->access_key.view() == access_key &&
        entry->secret.view() == secret && entry->date.view() == date &&
        entry->region.view() == region) {
      entry->used_at = ++clock_;
      ++hits_;
      return entry->key;
    }
    if (entry->used_at < oldest->used_at) oldest = entry;
  }
  const SigningKey key = derive_signing_key(secret, date, region);
  oldest->used_at = 0;
  if (oldest->access_key.assign(access_key) && oldest->secret.assign(secret) &&
      oldest->date.assign(date) && oldest->region.assign(region)) {
    oldest->key = key;
    oldest->used_at = ++clock_;
  }
  return key;
}

}  // namespace millrace::s3
