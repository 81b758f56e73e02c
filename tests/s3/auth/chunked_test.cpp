// aws-chunked bodies: AWS's published examples, every split, every tampered byte, every way to
// break the grammar.
#include "s3/auth/chunked.h"

#include "tests/s3/auth/requests.h"

#include <doctest/doctest.h>

namespace millrace::s3 {
namespace {

using testing::example_time;
using testing::Gate;
using Event = AwsChunkedDecoder::Event;

struct Outcome {
  std::string payload;
  std::optional<AuthFailure> failure;
  std::optional<ChecksumValue> checksum;
};

// Feeds pieces of at most `piece` bytes, and empty ones between them.
Outcome decode(const Identity& identity, const ChunkedBody& declared, std::string_view body,
               std::size_t piece = SIZE_MAX) {
  AwsChunkedDecoder decoder(identity, declared);
  Outcome out;
  std::span<const std::byte> rest = bytes_of(body);
  while (!rest.empty()) {
    std::span<const std::byte> input = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(input.size());
    static_cast<void>(decoder.step({}));
    while (!input.empty()) {
      const auto step = decoder.step(input);
      REQUIRE(step.consumed <= input.size());
      if (step.event == Event::failed) {
        CHECK(step.payload.empty());
        CHECK(decoder.step(input).event == Event::failed);
        out.failure = decoder.end();
        CHECK_FALSE(decoder.trailing_checksum().has_value());
        return out;
      }
      CHECK((step.event == Event::payload) == !step.payload.empty());
      if (step.event != Event::payload) CHECK(step.consumed == input.size());
      if (!step.payload.empty()) {
        CHECK(step.payload.data() >= input.data());
        CHECK(step.payload.data() + step.payload.size() == input.data() + step.consumed);
      }
      out.payload.append(reinterpret_cast<const char*>(step.payload.data()), step.payload.size());
      input = input.subspan(step.consumed);
    }
  }
  out.failure = decoder.end();
  out.checksum = decoder.trailing_checksum();
  return out;
}

constexpr std::string_view signed_mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
constexpr std::string_view signed_trailer_mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
constexpr std::string_view unsigned_trailer_mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

// A request signed by the client's code and let in by the gate, with its body.
struct Upload {
  Identity identity;
  ChunkedBody declared;
  std::string body;
  Gate gate;

  Upload(std::string_view mode, std::string_view payload, ChecksumAlgorithm trailer,
         std::size_t chunk_bytes = 5) {
    ClientRequest request{"PUT", "/b/k", {{"Host", "h"}}};
    request.headers.push_back({"x-amz-decoded-content-length", std::to_string(payload.size())});
    if (trailer != ChecksumAlgorithm::none)
      request.headers.push_back({"x-amz-trailer", std::string(checksum_header(trailer))});
    const auto seed = sign_request(request, testing::example_identity(), example_time, mode);
    identity = gate(request).value();
    declared = parse_chunked_body(testing::head_of(request), identity.payload).value();
    body = encode_aws_chunked(payload, seed,
                              {.chunk_bytes = chunk_bytes,
                               .signed_chunks = mode != unsigned_trailer_mode,
                               .trailer = trailer});
    // encode_aws_chunked signs trailers only where there are some.
    if (mode == signed_trailer_mode) CHECK(trailer != ChecksumAlgorithm::none);
  }
};

ClientRequest aws_upload(std::vector<HeaderLine> more, std::string_view names,
                         std::string_view signature) {
  ClientRequest request{"PUT", "/examplebucket/chunkObject.txt", std::move(more)};
  request.headers.push_back({"Host", "s3.amazonaws.com"});
  request.headers.push_back({"x-amz-date", "20130524T000000Z"});
  request.headers.push_back({"x-amz-storage-class", "REDUCED_REDUNDANCY"});
  request.headers.push_back({"Content-Encoding", "aws-chunked"});
  request.headers.push_back({"x-amz-decoded-content-length", "66560"});
  request.headers.push_back(
      {"Authorization",
       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
       "SignedHeaders=" +
           std::string(names) + ",Signature=" + std::string(signature)});
  return request;
}

std::string aws_chunks(std::string_view first, std::string_view second, std::string_view last) {
  std::string body = "10000;chunk-signature=" + std::string(first) + "\r\n";
  body += std::string(65'536, 'a') + "\r\n400;chunk-signature=" + std::string(second) + "\r\n";
  body += std::string(1'024, 'a') + "\r\n0;chunk-signature=" + std::string(last) + "\r\n";
  return body;
}

// "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
TEST_CASE("aws-chunked: AWS's signed example") {
  Gate gate;
  const ClientRequest request =
      aws_upload({{"Content-Length", "66824"}, {"x-amz-content-sha256", std::string(signed_mode)}},
                 "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
                 "x-amz-decoded-content-length;x-amz-storage-class",
                 "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  const Identity identity = gate(request).value();
  const ChunkedBody declared =
      parse_chunked_body(testing::head_of(request), identity.payload).value();
  CHECK(declared.decoded_bytes == 66'560);
  const std::string body =
      aws_chunks("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                 "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                 "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9") +
      "\r\n";
  CHECK(body.size() == 66'824);
  for (std::size_t piece : {SIZE_MAX, std::size_t{4'096}, std::size_t{1}}) {
    const Outcome out = decode(identity, declared, body, piece);
    CHECK_FALSE(out.failure.has_value());
    CHECK(out.payload == std::string(66'560, 'a'));
  }
}

// "... Including Trailing Headers (Chunked Upload)".
TEST_CASE("aws-chunked: AWS's trailer example, with both line ends clients send") {
  Gate gate;
  const ClientRequest request = aws_upload(
      {{"x-amz-content-sha256", std::string(signed_trailer_mode)},
       {"x-amz-trailer", "x-amz-checksum-crc32c"}},
      "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
      "x-amz-storage-class;x-amz-trailer",
      "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
  const Identity identity = gate(request).value();
  const ChunkedBody declared =
      parse_chunked_body(testing::head_of(request), identity.payload).value();
  CHECK(declared.trailer == ChecksumAlgorithm::crc32c);
  const std::string chunks =
      aws_chunks("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                 "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                 "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
  Checksum own(ChecksumAlgorithm::crc32c);
  own.update(bytes_of(std::string(66'560, 'a')));
  const ChecksumValue expected = own.finish();
  CHECK(expected.base64().view() == "sOO8/Q==");
  for (std::string_view line_end : {"\r\n", "\n\r\n"}) {
    const std::string body =
        chunks + "x-amz-checksum-crc32c:sOO8/Q==" + std::string(line_end) +
        "x-amz-trailer-signature:"
        "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n";
    for (std::size_t piece : {SIZE_MAX, std::size_t{1}}) {
      const Outcome out = decode(identity, declared, body, piece);
      CHECK_FALSE(out.failure.has_value());
      CHECK(out.payload.size() == 66'560);
      CHECK(out.checksum == expected);
    }
  }
}

TEST_CASE("aws-chunked: every split in two and in equal pieces, in every mode") {
  const std::string payload = "twelve\r\nbytes and some; more\0 of them";
  for (std::string_view mode : {signed_mode, signed_trailer_mode, unsigned_trailer_mode}) {
    const auto trailer =
        mode == signed_mode ? ChecksumAlgorithm::none : ChecksumAlgorithm::crc64nvme;
    const Upload upload(mode, payload, trailer);
    for (std::size_t piece = 1; piece <= upload.body.size(); ++piece) {
      const Outcome out = decode(upload.identity, upload.declared, upload.body, piece);
      CHECK_FALSE(out.failure.has_value());
      CHECK(out.payload == payload);
      CHECK(out.checksum.has_value() == (trailer != ChecksumAlgorithm::none));
    }
    for (std::size_t cut = 0; cut < upload.body.size(); ++cut) {
      // A body cut short is never whole.
      const auto early = std::string_view(upload.body).substr(0, cut);
      CHECK(decode(upload.identity, upload.declared, early).failure ==
            AuthFailure::body_incomplete);
      AwsChunkedDecoder decoder(upload.identity, upload.declared);
      for (std::string_view half : {early, std::string_view(upload.body).substr(cut)}) {
        std::span<const std::byte> input = bytes_of(half);
        while (!input.empty()) input = input.subspan(decoder.step(input).consumed);
      }
      CHECK(decoder.done());
      CHECK(decoder.payload_bytes() == payload.size());
    }
  }
}

TEST_CASE("aws-chunked: a changed byte anywhere in a signed body is noticed") {
  for (std::string_view mode : {signed_mode, signed_trailer_mode}) {
    const auto trailer = mode == signed_mode ? ChecksumAlgorithm::none : ChecksumAlgorithm::sha256;
    const Upload upload(mode, "the payload of three chunks", trailer, 10);
    REQUIRE_FALSE(decode(upload.identity, upload.declared, upload.body).failure.has_value());
    for (std::size_t i = 0; i < upload.body.size(); ++i) {
      for (int flip : {0x01, 0x80}) {
        std::string body = upload.body;
        body[i] = static_cast<char>(body[i] ^ flip);
        CHECK_MESSAGE(decode(upload.identity, upload.declared, body).failure.has_value(), i);
      }
      // Bytes lost and added.
      std::string body = upload.body;
      body.erase(i, 1);
      CHECK_MESSAGE(decode(upload.identity, upload.declared, body).failure.has_value(), i);
      body = upload.body;
      body.insert(i, "x");
      CHECK_MESSAGE(decode(upload.identity, upload.declared, body).failure.has_value(), i);
    }
    CHECK(decode(upload.identity, upload.declared, upload.body + "x").failure.has_value());
  }
}

TEST_CASE("aws-chunked: chunks can't be reordered, dropped or taken from another request") {
  const Upload upload(signed_mode, "aaaaabbbbb", ChecksumAlgorithm::none);
  const std::size_t chunk = upload.body.find("aaaaa") + 7;
  const std::string first = upload.body.substr(0, chunk);
  const std::string second = upload.body.substr(chunk, chunk);
  const std::string last = upload.body.substr(2 * chunk);
  const auto failure = [&](const std::string& body, std::uint64_t bytes) {
    return decode(upload.identity, {.decoded_bytes = bytes}, body).failure;
  };
  CHECK_FALSE(failure(first + second + last, 10).has_value());
  CHECK(failure(second + first + last, 10) == AuthFailure::chunk_signature_mismatch);
  CHECK(failure(first + last, 5) == AuthFailure::chunk_signature_mismatch);
  CHECK(failure(first + first + last, 10) == AuthFailure::chunk_signature_mismatch);
  CHECK(failure(first + second, 10) == AuthFailure::body_incomplete);
  CHECK(failure(last, 0) == AuthFailure::chunk_signature_mismatch);

  Identity other = upload.identity;
  other.seed_signature[0] ^= 1;
  CHECK(decode(other, upload.declared, upload.body).failure ==
        AuthFailure::chunk_signature_mismatch);
}

TEST_CASE("aws-chunked: empty payloads") {
  for (std::string_view mode : {signed_mode, signed_trailer_mode, unsigned_trailer_mode}) {
    const Upload upload(mode, "",
                        mode == signed_mode ? ChecksumAlgorithm::none : ChecksumAlgorithm::crc32);
    const Outcome out = decode(upload.identity, upload.declared, upload.body, 1);
    CHECK_FALSE(out.failure.has_value());
    CHECK(out.payload.empty());
  }
}

struct Broken {
  std::string body;
  AuthFailure failure;
};

TEST_CASE("aws-chunked: the grammar, in the unsigned mode") {
  const Upload upload(unsigned_trailer_mode, "hello", ChecksumAlgorithm::crc32);
  const std::string trailer = "x-amz-checksum-crc32:NhCmhg==\r\n\r\n";
  REQUIRE(upload.body == "5\r\nhello\r\n0\r\n" + trailer);
  const auto run = [&](const std::string& body) {
    return decode(upload.identity, upload.declared, body).failure;
  };
  for (std::string_view fine :
       {"0005\r\nhello\r\n0\r\n", "2\r\nhe\r\n3\r\nllo\r\n0000\r\n", "5\r\nhello\r\n0\r\n"})
    CHECK_FALSE(run(std::string(fine) + trailer).has_value());
  // minio-go's way: the field ends "\n\r\n", then the empty line.
  CHECK_FALSE(run("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n").has_value());
  CHECK_FALSE(run("5\r\nhello\r\n0\r\nX-Amz-Checksum-CRC32: NhCmhg== \r\n\r\n").has_value());

  using enum AuthFailure;
  const std::string data = "5\r\nhello\r\n0\r\n";
  const Broken table[] = {
      {"5\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {"5\r\rhello\r\n0\r\n" + trailer, chunk_malformed},
      {"\r\n5\r\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {" 5\r\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {"5 \r\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {"+5\r\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {"0x5\r\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {"g\r\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {"5;a=b\r\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {"5\r\nhello0\r\n" + trailer, chunk_malformed},
      {"5\r\nhello\n0\r\n" + trailer, chunk_malformed},
      {"5\r\nhello\r0\r\n" + trailer, chunk_malformed},
      {"00000000000000005\r\nhello\r\n0\r\n" + trailer, chunk_malformed},
      {std::string(300, '0'), chunk_malformed},
      {"10000001\r\n", chunk_too_large},
      {"ffffffffffffffff\r\n", chunk_too_large},
      {"6\r\nhello!\r\n0\r\n" + trailer, body_incomplete},
      {"4\r\nhell\r\n0\r\n" + trailer, body_incomplete},
      {"5\r\nhello\r\n1\r\n!\r\n0\r\n" + trailer, body_incomplete},
      {"", body_incomplete},
      {data, body_incomplete},
      {data + "\r\n", trailer_malformed},
      {data + "\n", trailer_malformed},
      {data + "x-amz-checksum-crc32:NhCmhg==\n\r\n", body_incomplete},
      {data + "x-amz-checksum-crc32:NhCmhg==\r\r\n\r\n", trailer_malformed},
      {data + "x-amz-checksum-crc32:NhCmhg==\n\n\r\n", trailer_malformed},
      {data + "x-amz-checksum-crc32:NhCmhg==\n\rx", chunk_malformed},
      {data + "x-amz-checksum-crc32:NhCmhg=\r\n\r\n", trailer_malformed},
      {data + "x-amz-checksum-crc32:\r\n\r\n", trailer_malformed},
      {data + "x-amz-checksum-crc32c:NhCmhg==\r\n\r\n", trailer_malformed},
      {data + "x-amz-checksum-crc32 :NhCmhg==\r\n\r\n", trailer_malformed},
      {data + "x-amz-checksum-crc32\r\n\r\n", trailer_malformed},
      {data + "x-amz-meta-a:1\r\n" + trailer, trailer_malformed},
      {data + "x-amz-checksum-crc32:NhCmhg==\r\n" + trailer, trailer_malformed},
      {data + "x-amz-trailer-signature:" + std::string(64, '0') + "\r\n" + trailer,
       trailer_malformed},
      {data + std::string(2'000, 'a'), trailer_malformed},
      {data + trailer + "\r\n", chunk_malformed},
      {data + trailer + "5\r\nhello\r\n", chunk_malformed},
  };
  for (const Broken& broken : table) CHECK_MESSAGE(run(broken.body) == broken.failure, broken.body);
}

TEST_CASE("aws-chunked: the grammar, in the signed modes") {
  using enum AuthFailure;
  const Upload upload(signed_trailer_mode, "hello", ChecksumAlgorithm::crc32);
  const auto run = [&](const std::string& body) {
    return decode(upload.identity, upload.declared, body).failure;
  };
  const std::string signature = upload.body.substr(18, 64);
  const auto begin = [&](const std::string& line) { return line + "hello\r\n"; };
  const Broken table[] = {
      {begin("5\r\n"), chunk_malformed},
      {begin("5;\r\n"), chunk_malformed},
      {begin("5;chunk-signature=\r\n"), chunk_malformed},
      {begin("5;chunk-signature=" + signature + "0\r\n"), chunk_malformed},
      {begin("5;chunk-signature=" + signature + ";a\r\n"), chunk_malformed},
      {begin("5; chunk-signature=" + signature + "\r\n"), chunk_malformed},
      {begin("5;Chunk-signature=" + signature + "\r\n"), chunk_malformed},
      {begin("5;chunk-signature=" + std::string(64, '0') + "\r\n"), chunk_signature_mismatch},
  };
  REQUIRE(run(begin("5;chunk-signature=" + signature + "\r\n")) == body_incomplete);
  for (const Broken& broken : table) CHECK_MESSAGE(run(broken.body) == broken.failure, broken.body);

  // Trailers without their signature, or something after it.
  const std::size_t at = upload.body.find("x-amz-trailer-signature");
  const std::string unsigned_end = upload.body.substr(0, at);
  CHECK(run(unsigned_end + "\r\n") == trailer_malformed);
  CHECK(run(unsigned_end + "x-amz-trailer-signature:" + std::string(64, '0') + "\r\n\r\n") ==
        chunk_signature_mismatch);
  CHECK(run(upload.body.substr(0, upload.body.size() - 2) + upload.body.substr(at)) ==
        trailer_malformed);
  // The signed body of one mode isn't one of the other's.
  Identity other = upload.identity;
  other.payload = PayloadMode::streaming_signed;
  CHECK(decode(other, {.decoded_bytes = 5}, upload.body).failure == chunk_malformed);
}

TEST_CASE("aws-chunked: what the head declares") {
  const auto parse = [](std::vector<HeaderLine> headers, PayloadMode mode) {
    const ClientRequest request{"PUT", "/b/k", std::move(headers)};
    return parse_chunked_body(testing::head_of(request), mode);
  };
  const HeaderLine length{"X-Amz-Decoded-Content-Length", "7"};
  const auto mode = PayloadMode::streaming_unsigned_trailer;
  CHECK(parse({length}, mode)->trailer == ChecksumAlgorithm::none);
  CHECK(parse({length}, mode)->decoded_bytes == 7);
  CHECK(parse({length, {"X-Amz-Trailer", "X-Amz-Checksum-SHA1"}}, mode)->trailer ==
        ChecksumAlgorithm::sha1);
  using enum AuthFailure;
  for (std::string_view bad : {"", "-1", "+1", "1 ", "0x1", "1000000000000000000", "1,1"})
    CHECK(parse({{"x-amz-decoded-content-length", std::string(bad)}}, mode).error() ==
          decoded_length_missing);
  CHECK(parse({}, mode).error() == decoded_length_missing);
  CHECK(parse({length, length}, mode).error() == duplicated_header);
  for (std::string_view bad :
       {"", "content-md5", "x-amz-checksum-sha3", "x-amz-checksum-crc32,x-amz-checksum-sha1"})
    CHECK(parse({length, {"x-amz-trailer", std::string(bad)}}, mode).error() ==
          trailer_header_invalid);
  const HeaderLine trailer{"x-amz-trailer", "x-amz-checksum-crc32"};
  CHECK(parse({length, trailer, trailer}, mode).error() == trailer_header_invalid);
  CHECK(parse({length, trailer}, PayloadMode::streaming_signed).error() == trailer_header_invalid);
}

TEST_CASE("aws-chunked: a trailer mode without a declared trailer takes none") {
  Identity nobody;
  nobody.payload = PayloadMode::streaming_unsigned_trailer;
  const ChunkedBody declared{.decoded_bytes = 5};
  CHECK_FALSE(decode(nobody, declared, "5\r\nhello\r\n0\r\n\r\n").failure.has_value());
  CHECK(decode(nobody, declared, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n")
            .failure == AuthFailure::trailer_malformed);
}

}  // namespace
}  // namespace millrace::s3
