// The payload of a request as its sender meant it: taken out of aws-chunked framing, and checked
// against everything that was said about it (length, Content-MD5, SHA-256, checksums, chunk
// signatures). Owned by the request. Nothing read here is to be trusted, or made visible, before
// verify() has agreed.
#pragma once

#include "http/exchange.h"
#include "s3/auth/chunked.h"
#include "s3/auth/sigv4.h"
#include "s3/digest/checksum.h"
#include "s3/digest/md5_queue.h"
#include "s3/error.h"
#include "s3/store/content_digest.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace::s3 {

// What the head says about the payload.
struct PayloadClaims {
  std::uint64_t bytes = 0;
  std::optional<Md5::Digest> md5;  // Content-MD5
  ChecksumValue checksum;          // x-amz-checksum-*
  ChecksumAlgorithm algorithm =
      ChecksumAlgorithm::none;  // to compute, sent or to come in a trailer
  bool crc64nvme_too = false;   // to compute beside it, though nobody claims anything
  std::optional<ChunkedBody> chunked;
};

// What x-amz-checksum-* headers are about. CompleteMultipartUpload's are about the object, while
// its body is a document.
enum class ChecksumHeaders : std::uint8_t { of_the_body, of_something_else };

// Errors: MissingContentLength, EntityTooLarge, InvalidDigest, InvalidRequest, and those of a
// malformed aws-chunked head.
Outcome<PayloadClaims> parse_payload_claims(
    const http::Head& head, const Identity& identity, std::uint64_t bytes_max,
    ChecksumHeaders checksums = ChecksumHeaders::of_the_body);

// Where a payload comes from that is not the whole body (the file of a form): its content, whose
// length shows at its end, 0.
struct PayloadSource {
  engine::Task<Outcome<std::size_t>> (*read)(void* context, std::span<std::byte> into) = nullptr;
  void* context = nullptr;
};

class Payload {
 public:
  // Whether an MD5 is needed beyond what the sender asked to have checked.
  enum class Md5Use : std::uint8_t { etag, checked_only };

  Payload(http::Exchange& exchange, const Identity& identity, const PayloadClaims& claims,
          Md5Use use, Md5Queue& md5_queue);

  // Instead of the body; before the first read(). The claims' `bytes` are then only a bound.
  void read_from(PayloadSource source) { source_ = source; }

  // Fills `into` from its start and returns how much is payload; 0 at the end. The framing is
  // read into the same memory, so a return may be short before the end.
  engine::Task<Outcome<std::size_t>> read(std::span<std::byte> into);

  // After the end: everything that was claimed is true.
  Outcome<> verify();

  // Of a digest that verify() found wrong: elements of the answer, as AWS names them.
  struct Mismatch {
    std::string_view claimed_name;  // empty: no digest that has elements was wrong
    std::string claimed;
    std::string_view found_name;
    std::string found;
  };
  const Mismatch& mismatch() const { return mismatch_; }

  std::uint64_t bytes() const { return bytes_; }
  const Md5::Digest& md5() const { return md5_digest_; }       // after verify()
  const ChecksumValue& checksum() const { return checksum_; }  // after verify()
  // Where the claims wanted it, as `algorithm` or beside it; after verify().
  ChecksumValue crc64nvme() const;
  // XXH3-64 of each 4 MiB block of the payload; after verify().
  std::span<const std::uint64_t> blocks() const { return blocks_.all(); }

 private:
  engine::Task<Outcome<std::size_t>> read_source(std::span<std::byte> into);
  Outcome<std::size_t> unframe(std::span<std::byte> raw);
  Outcome<> end_of_body();
  // All digests but the MD5, which has its turn with those of other payloads.
  void digest(std::span<const std::byte> payload);

  http::Exchange& exchange_;
  const PayloadClaims claims_;
  PayloadSource source_;
  const Identity& identity_;
  std::optional<AwsChunkedDecoder> decoder_;
  const bool want_md5_;
  const bool want_sha256_;
  std::uint64_t bytes_ = 0;
  Md5Queue& md5_queue_;
  Md5 md5_;
  Sha256 sha256_;
  Checksum running_;
  Crc64Nvme crc64nvme_;
  ChecksumValue checksum_;
  Md5::Digest md5_digest_{};
  Mismatch mismatch_;
  store::BlockDigests blocks_;
};

}  // namespace millrace::s3
