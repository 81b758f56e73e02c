// See payload.h.
#include "s3/payload.h"

#include "s3/digest/encoding.h"

#include <cstring>

namespace millrace::s3 {

using engine::Errc;
using engine::Task;

namespace {

Outcome<> from_failure(AuthFailure failure) {
  const S3Answer answer = to_s3(failure);
  return refuse(code_of_text(answer.code), answer.message);
}

ErrorCode body_error(engine::Error error) {
  switch (error.code) {
    case Errc::timed_out: return ErrorCode::request_timeout;
    case Errc::malformed: return ErrorCode::bad_request;
    case Errc::too_large: return ErrorCode::bad_request;
    default: return ErrorCode::incomplete_body;
  }
}

// Headers of that prefix which are no values.
constexpr std::string_view checksum_settings[] = {"x-amz-checksum-algorithm", "x-amz-checksum-type",
                                                  "x-amz-checksum-mode"};

Outcome<> take_checksum(const http::Field& field, PayloadClaims& claims) {
  const auto algorithm = checksum_of_header(field.name);
  if (!algorithm) {
    for (const std::string_view setting : checksum_settings) {
      if (http::field_name_equal(field.name, setting)) return {};
    }
    return refuse(ErrorCode::invalid_request,
                  "The algorithm type you specified in x-amz-checksum- header is invalid.");
  }
  if (claims.checksum.algorithm == *algorithm) {
    return refuse_argument("Only one value may be specified.", field.name, field.value);
  }
  if (claims.algorithm != ChecksumAlgorithm::none && claims.algorithm != *algorithm) {
    return refuse(ErrorCode::invalid_request,
                  "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
                  "allowed.");
  }
  const auto value = ChecksumValue::parse(*algorithm, field.value);
  if (!value) return refuse(ErrorCode::invalid_request, checksum_invalid_text(*algorithm));
  claims.checksum = *value;
  claims.algorithm = *algorithm;
  return {};
}

Outcome<> parse_checksum_headers(const http::Head& head, PayloadClaims& claims) {
  for (const http::Field& field : head.fields()) {
    if (!is_checksum_header(field.name)) continue;
    if (const auto taken = take_checksum(field, claims); !taken) return taken;
  }
  const auto named = head.value("x-amz-sdk-checksum-algorithm");
  if (named.empty()) return {};
  if (claims.algorithm == ChecksumAlgorithm::none) {
    return refuse(ErrorCode::invalid_request,
                  "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* "
                  "or x-amz-trailer headers were found.");
  }
  if (checksum_of_name(named) != claims.algorithm) {
    return refuse(ErrorCode::invalid_request,
                  "Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  return {};
}

Outcome<> parse_md5(const http::Head& head, PayloadClaims& claims) {
  const http::Field* field = head.find("content-md5");
  if (field == nullptr) return {};
  Md5::Digest digest;
  if (base64_decode(field->value, digest) != digest.size()) {
    return refuse(ErrorCode::invalid_digest);
  }
  claims.md5 = digest;
  return {};
}

}  // namespace

Outcome<PayloadClaims> parse_payload_claims(const http::Head& head, const Identity& identity,
                                            std::uint64_t bytes_max, ChecksumHeaders checksums) {
  PayloadClaims claims;
  if (is_streaming(identity.payload)) {
    const auto chunked = parse_chunked_body(head, identity.payload);
    if (!chunked) return std::unexpected(from_failure(chunked.error()).error());
    claims.chunked = *chunked;
    claims.bytes = chunked->decoded_bytes;
    claims.algorithm = chunked->trailer;
  } else if (head.content_length) {
    claims.bytes = *head.content_length;
  } else {
    return refuse(ErrorCode::missing_content_length);
  }
  if (claims.bytes > bytes_max) return refuse(ErrorCode::entity_too_large);
  if (const auto md5 = parse_md5(head, claims); !md5) return std::unexpected(md5.error());
  if (checksums == ChecksumHeaders::of_something_else) return claims;
  if (const auto checksum = parse_checksum_headers(head, claims); !checksum) {
    return std::unexpected(checksum.error());
  }
  return claims;
}

Payload::Payload(http::Exchange& exchange, const Identity& identity, const PayloadClaims& claims,
                 Md5Use use, Md5Queue& md5_queue)
    : exchange_(exchange),
      claims_(claims),
      identity_(identity),
      want_md5_(use == Md5Use::etag || claims.md5),
      want_sha256_(identity.payload == PayloadMode::hex),
      md5_queue_(md5_queue),
      running_(claims.algorithm) {
  if (claims.chunked) decoder_.emplace(identity, *claims.chunked);
  blocks_.reserve(claims.bytes);
}

Task<Outcome<std::size_t>> Payload::read_source(std::span<std::byte> into) {
  const auto got = co_await source_.read(source_.context, into);
  if (!got) co_return got;
  bytes_ += *got;
  if (bytes_ > claims_.bytes) co_return refuse(ErrorCode::entity_too_large);
  digest(into.first(*got));
  if (want_md5_) co_await md5_queue_.update(md5_, into.first(*got));
  co_return *got;
}

Task<Outcome<std::size_t>> Payload::read(std::span<std::byte> into) {
  if (source_.read != nullptr) co_return co_await read_source(into);
  for (;;) {
    const auto got = co_await exchange_.body().read(into);
    if (!got) {
      exchange_.close_after();
      co_return refuse(body_error(got.error()));
    }
    if (*got == 0) {
      if (const auto ended = end_of_body(); !ended) co_return std::unexpected(ended.error());
      co_return std::size_t{0};
    }
    std::size_t payload = *got;
    if (decoder_) {
      const auto decoded = unframe(into.first(*got));
      if (!decoded) co_return std::unexpected(decoded.error());
      payload = *decoded;
    }
    bytes_ += payload;
    if (bytes_ > claims_.bytes) co_return refuse(ErrorCode::incomplete_body);
    digest(into.first(payload));
    if (want_md5_) co_await md5_queue_.update(md5_, into.first(payload));
    if (payload > 0) co_return payload;
  }
}

// Moves the payload of what was read together at its start: payload never moves back.
Outcome<std::size_t> Payload::unframe(std::span<std::byte> raw) {
  std::size_t kept = 0;
  std::span<const std::byte> rest = raw;
  for (;;) {
    const auto step = decoder_->step(rest);
    if (step.event == AwsChunkedDecoder::Event::failed) {
      return std::unexpected(from_failure(decoder_->failure()).error());
    }
    if (!step.payload.empty()) {
      std::memmove(raw.data() + kept, step.payload.data(), step.payload.size());
      kept += step.payload.size();
    }
    rest = rest.subspan(step.consumed);
    if (step.event == AwsChunkedDecoder::Event::done) {
      if (!rest.empty()) return refuse(ErrorCode::incomplete_body);
      return kept;
    }
    if (step.event == AwsChunkedDecoder::Event::need_input) return kept;
  }
}

Outcome<> Payload::end_of_body() {
  if (decoder_) {
    if (const auto failure = decoder_->end()) return from_failure(*failure);
  }
  if (bytes_ != claims_.bytes) return refuse(ErrorCode::incomplete_body);
  return {};
}

void Payload::digest(std::span<const std::byte> payload) {
  if (want_sha256_) sha256_.update(payload);
  running_.update(payload);
  if (claims_.crc64nvme_too) crc64nvme_.update(payload);
  blocks_.update(payload);
}

Outcome<> Payload::verify() {
  blocks_.finish();
  if (want_md5_) md5_digest_ = md5_.finish();
  if (claims_.md5 && *claims_.md5 != md5_digest_) {
    mismatch_ = {"ExpectedDigest", base64_text(*claims_.md5), "CalculatedDigest",
                 base64_text(md5_digest_)};
    return refuse(ErrorCode::bad_digest,
                  "The Content-MD5 you specified did not match what we received.");
  }
  if (want_sha256_) {
    const auto found = sha256_.finish();
    if (found != identity_.payload_sha256) {
      const auto text = [](const Sha256::Digest& digest) {
        const auto hex = hex_of(digest);
        return std::string(hex.begin(), hex.end());
      };
      mismatch_ = {"ClientComputedContentSHA256", text(identity_.payload_sha256),
                   "S3ComputedContentSHA256", text(found)};
      return refuse(ErrorCode::x_amz_content_sha256_mismatch);
    }
  }
  checksum_ = running_.finish();
  const auto& trailing = decoder_ ? decoder_->trailing_checksum() : std::nullopt;
  const bool claimed = claims_.checksum.algorithm != ChecksumAlgorithm::none;
  if ((claimed && claims_.checksum != checksum_) || (trailing && *trailing != checksum_)) {
    return refuse(ErrorCode::bad_digest, checksum_mismatch_text(checksum_.algorithm));
  }
  return {};
}

ChecksumValue Payload::crc64nvme() const {
  return claims_.crc64nvme_too ? checksum_of(crc64nvme_) : checksum_;
}

}  // namespace millrace::s3
