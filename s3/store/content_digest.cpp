// See content_digest.h.
#include "s3/store/content_digest.h"

#include <algorithm>

namespace millrace::s3::store {

void BlockDigests::update(std::span<const std::byte> piece) {
  while (!piece.empty()) {
    const auto now = piece.first(std::min<std::uint64_t>(piece.size(), block_bytes - used_bytes_));
    XXH3_64bits_update(&block_, now.data(), now.size());
    used_bytes_ += now.size();
    piece = piece.subspan(now.size());
    if (used_bytes_ == block_bytes) finish();
  }
}

void BlockDigests::finish() {
  if (used_bytes_ == 0) return;
  all_.push_back(XXH3_64bits_digest(&block_));
  XXH3_64bits_reset(&block_);
  used_bytes_ = 0;
}

engine::Task<> ContentDigest::update(std::span<const std::byte> piece, Md5Queue& md5_queue) {
  co_await md5_queue.update(md5_, piece);
  running_.update(piece);
  blocks_.update(piece);
  bytes_ += piece.size();
}

void ContentDigest::finish() {
  blocks_.finish();
  md5_digest_ = md5_.finish();
  checksum_ = running_.finish();
}

}  // namespace millrace::s3::store
