// The signatures inside an aws-chunked body; one definition for decoder and client.
// Thread: any; no state, no heap. Invariant: each signature covers the one before it.
#pragma once

#include "s3/auth/signing_key.h"

#include <string_view>

namespace millrace::s3 {

struct ChunkChain {
  const SigningKey& key;
  std::string_view timestamp;
  std::string_view scope;
};

// payload: the SHA-256 of the chunk's bytes.
Sha256::Digest chunk_signature(const ChunkChain& chain, const Sha256::Digest& previous,
                               const Sha256::Digest& payload);

// trailers: the SHA-256 of "name:value\n" for each trailer in the order sent, names in lower
// case, without x-amz-trailer-signature.
Sha256::Digest trailer_signature(const ChunkChain& chain, const Sha256::Digest& previous,
                                 const Sha256::Digest& trailers);

}  // namespace millrace::s3
