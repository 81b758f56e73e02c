// Fuzzes aws-chunked bodies: the first byte chooses the mode and the size of the pieces, the second
// what the head declared. Properties: no crash; progress; payload lies within the input; pieces
// change nothing; nothing is whole in a signed mode, for no seed has the signatures.
#include "s3/auth/chunked.h"

#include "tests/fuzz/targets.h"

#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3;

struct Seen {
  std::optional<AuthFailure> failure;
  std::string payload;  // of a whole body
  bool operator==(const Seen&) const = default;
};

Seen decode(const Identity& identity, const ChunkedBody& declared, std::string_view body,
            std::size_t piece_bytes) {
  AwsChunkedDecoder decoder(identity, declared);
  Seen seen;
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, piece_bytes);
    const auto step = decoder.step(std::as_bytes(std::span(piece)));
    require(step.consumed <= piece.size(), "no more than there is");
    if (step.event == AwsChunkedDecoder::Event::failed) {
      require(step.payload.empty(), "no payload of what failed");
      break;
    }
    require(step.consumed > 0, "progress");
    const std::string_view payload(reinterpret_cast<const char*>(step.payload.data()),
                                   step.payload.size());
    require(within(payload, piece), "payload within the input");
    seen.payload += payload;
    body.remove_prefix(step.consumed);
  }
  seen.failure = decoder.end();
  if (seen.failure)
    seen.payload.clear();
  else
    require(seen.payload.size() == declared.decoded_bytes, "as long as was declared");
  return seen;
}

void run(std::string_view input) {
  const unsigned first = take_byte(input);
  const unsigned second = take_byte(input);
  constexpr PayloadMode modes[] = {
      PayloadMode::streaming_unsigned_trailer, PayloadMode::streaming_unsigned_trailer,
      PayloadMode::streaming_signed, PayloadMode::streaming_signed_trailer};
  static const Principal principal;
  Identity identity;
  identity.principal = &principal;
  identity.payload = modes[first % 4];
  constexpr ChecksumAlgorithm trailers[] = {ChecksumAlgorithm::none, ChecksumAlgorithm::crc32,
                                            ChecksumAlgorithm::crc64nvme,
                                            ChecksumAlgorithm::sha256};
  ChunkedBody declared{.decoded_bytes = second / 4};
  if (identity.payload != PayloadMode::streaming_signed) declared.trailer = trailers[second % 4];
  const Seen whole = decode(identity, declared, input, input.size());
  for (const std::size_t piece_bytes : {1U, 1 + first / 4}) {
    require(decode(identity, declared, input, piece_bytes) == whole, "pieces change nothing");
  }
  require(whole.failure || identity.payload == PayloadMode::streaming_unsigned_trailer,
          "nothing without its signatures");
}

// 0x50 / 4 = 20, 0x15 / 4 = 5: the length declared; the remainder chooses the trailer.
constexpr std::string_view seeds[] = {
    "D\x15"
    "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
    "H\x50"
    "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "F\x14"
    "5;chunk-signature="
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\nhello\r\n0;chunk-"
    "signature="
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
    "G\x15"
    "5;chunk-signature="
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\nhello\r\n0;chunk-"
    "signature="
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\nx-amz-checksum-crc32:"
    "NhCmhg==\r\nx-amz-trailer-signature:"
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n\r\n"};

}  // namespace

const Target aws_chunked{.name = "aws_chunked", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
