// Everything that is kept of a content that is read once: its MD5, a checksum, and XXH3 of each of
// its blocks (metadata.h). A plain value; any thread, one at a time.
#pragma once

#include "s3/digest/checksum.h"
#include "s3/digest/md5_queue.h"
#include "s3/store/metadata.h"

#define XXH_STATIC_LINKING_ONLY  // for the size of its state
#include <xxhash.h>

#include <cstdint>
#include <span>
#include <vector>

namespace millrace::s3::store {

// XXH3-64 of each block of a content that comes in pieces of any size.
class BlockDigests {
 public:
  BlockDigests() { XXH3_64bits_reset(&block_); }

  void reserve(std::uint64_t bytes) { all_.reserve((bytes + block_bytes - 1) / block_bytes); }
  void update(std::span<const std::byte> piece);
  // After all of it; more than once does no harm.
  void finish();
  std::span<const std::uint64_t> all() const { return all_; }  // the last one after finish()

 private:
  XXH3_state_t block_;
  std::uint64_t used_bytes_ = 0;  // of the block at hand
  std::vector<std::uint64_t> all_;
};

class ContentDigest {
 public:
  explicit ContentDigest(ChecksumAlgorithm algorithm) : running_(algorithm) {}

  engine::Task<> update(std::span<const std::byte> piece, Md5Queue& md5_queue);
  // Once, after all of it.
  void finish();

  std::uint64_t bytes() const { return bytes_; }
  // After finish().
  const Md5::Digest& md5() const { return md5_digest_; }
  const ChecksumValue& checksum() const { return checksum_; }
  std::span<const std::uint64_t> blocks() const { return blocks_.all(); }

 private:
  std::uint64_t bytes_ = 0;
  Md5 md5_;
  Checksum running_;
  BlockDigests blocks_;
  Md5::Digest md5_digest_{};
  ChecksumValue checksum_;
};

}  // namespace millrace::s3::store
