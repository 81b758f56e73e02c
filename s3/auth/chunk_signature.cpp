// String-to-sign of chunks and trailers. Thread: any. Invariant: see chunk_signature.h.
#include "s3/auth/chunk_signature.h"

#include "s3/auth/fixed_text.h"
#include "s3/digest/encoding.h"

namespace millrace::s3 {
namespace {

constexpr std::string_view empty_sha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

void append_hex(FixedText<256>& text, const Sha256::Digest& digest) {
  const auto hex = hex_of(digest);
  text.append({hex.data(), hex.size()});
}

}  // namespace

Sha256::Digest chunk_signature(const ChunkChain& chain, const Sha256::Digest& previous,
                               const Sha256::Digest& payload) {
  FixedText<256> rest;
  append_hex(rest, previous);
  rest.append("\n");
  rest.append(empty_sha256);
  rest.append("\n");
  append_hex(rest, payload);
  return sign_text(chain.key, "AWS4-HMAC-SHA256-PAYLOAD", chain.timestamp, chain.scope,
                   rest.view());
}

Sha256::Digest trailer_signature(const ChunkChain& chain, const Sha256::Digest& previous,
                                 const Sha256::Digest& trailers) {
  FixedText<256> rest;
  append_hex(rest, previous);
  rest.append("\n");
  append_hex(rest, trailers);
  return sign_text(chain.key, "AWS4-HMAC-SHA256-TRAILER", chain.timestamp, chain.scope,
                   rest.view());
}

}  // namespace millrace::s3
