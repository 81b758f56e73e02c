// Decodes aws-chunked bodies (Content-Encoding: aws-chunked) and verifies what they carry:
// chunk signatures chained from the request's, the trailer's signature, the length.
// Sources: "Signature Calculations for the Authorization Header: Transferring Payload in
// Multiple Chunks" and "Including Trailing Headers" (S3 API reference).
// Thread: the request's; no heap. Invariants: payload is handed out as views into the caller's
// input, before its chunk's signature could be known, so the caller publishes nothing until
// step() says done (and its own checksum equals trailing_checksum()); after a failure the
// decoder gives no more payload.
#pragma once

#include "http/head.h"
#include "s3/auth/failure.h"
#include "s3/auth/sigv4.h"
#include "s3/digest/checksum.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

namespace millrace::s3 {

inline constexpr std::size_t chunk_header_bytes_max = 256;
inline constexpr std::uint64_t chunk_bytes_max = 256ULL << 20;
inline constexpr std::size_t trailer_line_bytes_max = 1024;
inline constexpr std::size_t trailer_section_bytes_max = 8 * 1024;

// What the head says about an aws-chunked body.
struct ChunkedBody {
  std::uint64_t decoded_bytes = 0;                      // x-amz-decoded-content-length
  ChecksumAlgorithm trailer = ChecksumAlgorithm::none;  // from x-amz-trailer
};
// At most one checksum can be declared, and only in the two trailer modes; a trailer mode
// without x-amz-trailer is taken, and then no trailer may come.
std::expected<ChunkedBody, AuthFailure> parse_chunked_body(const http::Head& head,
                                                           PayloadMode mode);

class AwsChunkedDecoder {
 public:
  enum class Event : std::uint8_t {
    need_input,  // all of the input is consumed
    payload,     // `payload` is not empty; step again with what is left
    done,        // the body is whole and authentic; nothing of it may follow
    failed,      // see failure()
  };
  struct Step {
    Event event = Event::need_input;
    std::size_t consumed = 0;            // bytes of the input, payload included
    std::span<const std::byte> payload;  // a view into the input
  };

  // The identity's mode must be a streaming one (checked). Copies what it needs.
  AwsChunkedDecoder(const Identity& identity, const ChunkedBody& body);

  // Takes any split of the body, also empty ones.
  Step step(std::span<const std::byte> input);
  // To be called when the body ends: nothing when all is well, else why not.
  std::optional<AuthFailure> end();

  bool done() const { return state_ == State::done; }
  AuthFailure failure() const { return failure_; }
  std::uint64_t payload_bytes() const { return payload_bytes_; }
  // The checksum from the trailer, for the caller to compare with its own; after done.
  const std::optional<ChecksumValue>& trailing_checksum() const { return checksum_; }

 private:
  enum class State : std::uint8_t {
    header,   // within a chunk's first line
    data,     // within a chunk's bytes
    data_cr,  // its CR LF
    data_lf,
    final_cr,  // the CR LF after the last chunk's line, where there are no trailers
    final_lf,
    trailer,     // within a trailer's line, or at the empty one
    trailer_lf,  // the LF of LF CR LF
    done,
    failed,
  };

  bool signs() const { return mode_ != PayloadMode::streaming_unsigned_trailer; }
  void fail(AuthFailure failure);
  void expect_byte(char got, char wanted, State next);
  void take_header_byte(char c);
  void begin_chunk();
  void finish_chunk_data();
  void verify_chunk();
  void take_trailer_byte(char c);
  void finish_trailer_line(bool bare_lf);
  void take_trailer(std::string_view name, std::string_view value);
  void finish_body();

  PayloadMode mode_;
  ChecksumAlgorithm declared_;
  State state_ = State::header;
  AuthFailure failure_ = AuthFailure::chunk_malformed;
  bool after_bare_lf_ = false;
  bool trailer_signed_ = false;
  std::uint16_t line_size_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  std::uint64_t decoded_bytes_;
  std::uint64_t payload_bytes_ = 0;
  std::uint64_t chunk_left_ = 0;
  SigningKey key_;
  Sha256::Digest previous_signature_;
  Sha256::Digest chunk_signature_{};
  FixedText<scope_bytes_max> scope_;
  FixedText<16> timestamp_;
  Sha256 hasher_;  // of the current chunk, then of the canonical trailers
  std::optional<ChecksumValue> checksum_;
  std::array<char, trailer_line_bytes_max> line_;
};

}  // namespace millrace::s3
