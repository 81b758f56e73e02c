// See content_digest.h.
#include "s3/store/content_digest.h"

#include <algorithm>

namespace millrace::s3::store {

engine::Task<> ContentDigest::update(std::span<const std::byte> piece, Md5Queue& md5_queue) {
  co_await md5_queue.update(md5_, piece);
  running_.update(piece);
  while (!piece.empty()) {
    const std::uint64_t room = block_bytes - bytes_ % block_bytes;
    const auto now = piece.first(std::min<std::uint64_t>(piece.size(), room));
    XXH3_64bits_update(&block_, now.data(), now.size());
    bytes_ += now.size();
    piece = piece.subspan(now.size());
    if (bytes_ % block_bytes != 0) continue;
    blocks_.push_back(XXH3_64bits_digest(&block_));
    XXH3_64bits_reset(&block_);
  }
}

void ContentDigest::finish() {
  if (bytes_ % block_bytes != 0) blocks_.push_back(XXH3_64bits_digest(&block_));
  md5_digest_ = md5_.finish();
  checksum_ = running_.finish();
}

}  // namespace millrace::s3::store
