// The push state machine of chunked.h. Thread: the request's.
// Invariant: CR LF is exact everywhere but at the end of a trailer's line: minio-go (and AWS's
// own published example) ends it "\n\r\n", which is taken as one line end. That is safe, since
// the body's own framing (Content-Length or HTTP chunks) lies outside of this one.
#include "s3/auth/chunked.h"

#include "engine/check.h"
#include "s3/auth/chunk_signature.h"
#include "s3/digest/encoding.h"

#include <algorithm>

namespace millrace::s3 {
namespace {

constexpr std::string_view signature_name = "chunk-signature=";
constexpr std::string_view trailer_signature_name = "x-amz-trailer-signature";

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool same(const Sha256::Digest& a, const Sha256::Digest& b) {
  return constant_time_equal(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// The field's only occurrence, null when there is none; false when there are more.
bool find_single(const http::Head& head, std::string_view name, const http::Field*& out) {
  out = nullptr;
  for (const http::Field& field : head.fields()) {
    if (!http::field_name_equal(field.name, name)) continue;
    if (out != nullptr) return false;
    out = &field;
  }
  return true;
}

}  // namespace

std::expected<ChunkedBody, AuthFailure> parse_chunked_body(const http::Head& head,
                                                           PayloadMode mode) {
  ChunkedBody body;
  const http::Field* length = nullptr;
  if (!find_single(head, "x-amz-decoded-content-length", length))
    return std::unexpected(AuthFailure::duplicated_header);
  if (length == nullptr) return std::unexpected(AuthFailure::decoded_length_missing);
  const auto bytes = parse_decimal(length->value);
  if (!bytes) return std::unexpected(AuthFailure::decoded_length_missing);
  body.decoded_bytes = *bytes;

  const http::Field* trailer = nullptr;
  if (!find_single(head, "x-amz-trailer", trailer))
    return std::unexpected(AuthFailure::trailer_header_invalid);
  if (trailer == nullptr) return body;
  const auto algorithm = checksum_of_header(trimmed(trailer->value));
  if (mode == PayloadMode::streaming_signed || !algorithm)
    return std::unexpected(AuthFailure::trailer_header_invalid);
  body.trailer = *algorithm;
  return body;
}

AwsChunkedDecoder::AwsChunkedDecoder(const Identity& identity, const ChunkedBody& body)
    : mode_(identity.payload),
      declared_(body.trailer),
      decoded_bytes_(body.decoded_bytes),
      key_(identity.signing_key),
      previous_signature_(identity.seed_signature),
      scope_(identity.scope),
      timestamp_(identity.timestamp) {
  CHECK(is_streaming(mode_));
  // Without a key anyone could make the chain.
  CHECK(!signs() || !identity.anonymous());
}

AwsChunkedDecoder::Step AwsChunkedDecoder::step(std::span<const std::byte> input) {
  Step out;
  for (; out.consumed < input.size(); ++out.consumed) {
    const char c = static_cast<char>(input[out.consumed]);
    switch (state_) {
      case State::header: take_header_byte(c); break;
      case State::data: {
        const std::size_t size = std::min<std::uint64_t>(chunk_left_, input.size() - out.consumed);
        out.payload = input.subspan(out.consumed, size);
        out.consumed += size;
        out.event = Event::payload;
        if (signs()) hasher_.update(out.payload);
        chunk_left_ -= size;
        payload_bytes_ += size;
        if (chunk_left_ == 0) finish_chunk_data();
        if (state_ == State::failed) return {.event = Event::failed, .consumed = out.consumed};
        return out;
      }
      case State::data_cr: expect_byte(c, '\r', State::data_lf); break;
      case State::data_lf: expect_byte(c, '\n', State::header); break;
      case State::final_cr: expect_byte(c, '\r', State::final_lf); break;
      case State::final_lf:
        expect_byte(c, '\n', State::final_lf);
        if (state_ != State::failed) finish_body();
        break;
      case State::trailer: take_trailer_byte(c); break;
      case State::trailer_lf: expect_byte(c, '\n', State::trailer); break;
      case State::done: fail(AuthFailure::chunk_malformed); break;
      case State::failed: break;
    }
    if (state_ == State::failed) break;
  }
  out.event = state_ == State::failed ? Event::failed
              : state_ == State::done ? Event::done
                                      : Event::need_input;
  return out;
}

std::optional<AuthFailure> AwsChunkedDecoder::end() {
  if (state_ == State::done) return std::nullopt;
  if (state_ != State::failed) fail(AuthFailure::body_incomplete);
  return failure_;
}

void AwsChunkedDecoder::fail(AuthFailure failure) {
  state_ = State::failed;
  failure_ = failure;
  checksum_.reset();
}

void AwsChunkedDecoder::expect_byte(char got, char wanted, State next) {
  if (got != wanted) return fail(AuthFailure::chunk_malformed);
  state_ = next;
}

void AwsChunkedDecoder::take_header_byte(char c) {
  if (line_size_ == chunk_header_bytes_max) return fail(AuthFailure::chunk_malformed);
  line_[line_size_++] = c;
  if (c == '\n') begin_chunk();
}

// SIZE [";chunk-signature=" 64 hex digits] CR LF, all of it in line_.
void AwsChunkedDecoder::begin_chunk() {
  std::string_view line(line_.data(), line_size_);
  line_size_ = 0;
  if (!line.ends_with("\r\n")) return fail(AuthFailure::chunk_malformed);
  line.remove_suffix(2);

  std::string_view size_text = line;
  if (signs()) {
    const std::size_t semicolon = line.find(';');
    if (semicolon == line.npos) return fail(AuthFailure::chunk_malformed);
    size_text = line.substr(0, semicolon);
    std::string_view extension = line.substr(semicolon + 1);
    if (!extension.starts_with(signature_name)) return fail(AuthFailure::chunk_malformed);
    extension.remove_prefix(signature_name.size());
    if (!hex_decode(extension, chunk_signature_)) return fail(AuthFailure::chunk_malformed);
  }
  if (size_text.empty() || size_text.size() > 16) return fail(AuthFailure::chunk_malformed);
  std::uint64_t size = 0;
  for (char c : size_text) {
    const int digit = hex_digit(c);
    if (digit < 0) return fail(AuthFailure::chunk_malformed);
    size = size << 4 | static_cast<std::uint64_t>(digit);
  }
  if (size > chunk_bytes_max) return fail(AuthFailure::chunk_too_large);
  if (size > decoded_bytes_ - payload_bytes_) return fail(AuthFailure::body_incomplete);

  chunk_left_ = size;
  state_ = State::data;
  if (size != 0) return;
  if (payload_bytes_ != decoded_bytes_) return fail(AuthFailure::body_incomplete);
  state_ = mode_ == PayloadMode::streaming_signed ? State::final_cr : State::trailer;
  verify_chunk();
}

void AwsChunkedDecoder::finish_chunk_data() {
  state_ = State::data_cr;
  verify_chunk();
}

void AwsChunkedDecoder::verify_chunk() {
  if (!signs()) return;
  const Sha256::Digest expected = chunk_signature({key_, timestamp_.view(), scope_.view()},
                                                  previous_signature_, hasher_.finish());
  if (!same(expected, chunk_signature_)) return fail(AuthFailure::chunk_signature_mismatch);
  previous_signature_ = expected;
}

void AwsChunkedDecoder::take_trailer_byte(char c) {
  if (++trailer_bytes_ > trailer_section_bytes_max) return fail(AuthFailure::trailer_malformed);
  if (after_bare_lf_) {
    after_bare_lf_ = false;
    if (c != '\r') return fail(AuthFailure::trailer_malformed);
    state_ = State::trailer_lf;
    return;
  }
  if (c != '\n') {
    if (line_size_ == line_.size()) return fail(AuthFailure::trailer_malformed);
    line_[line_size_++] = c;
    return;
  }
  const bool bare_lf = line_size_ == 0 || line_[line_size_ - 1] != '\r';
  finish_trailer_line(bare_lf);
}

void AwsChunkedDecoder::finish_trailer_line(bool bare_lf) {
  std::string_view line(line_.data(), line_size_);
  line_size_ = 0;
  if (!bare_lf) line.remove_suffix(1);
  if (line.empty()) return bare_lf ? fail(AuthFailure::trailer_malformed) : finish_body();
  after_bare_lf_ = bare_lf;
  const std::size_t colon = line.find(':');
  if (colon == line.npos || line.find_first_of(std::string_view("\r\0", 2)) != line.npos)
    return fail(AuthFailure::trailer_malformed);
  take_trailer(line.substr(0, colon), trimmed(line.substr(colon + 1)));
}

void AwsChunkedDecoder::take_trailer(std::string_view name, std::string_view value) {
  if (trailer_signed_) return fail(AuthFailure::trailer_malformed);  // nothing may follow it
  if (http::field_name_equal(name, trailer_signature_name)) {
    Sha256::Digest sent{};
    if (!signs() || !hex_decode(value, sent)) return fail(AuthFailure::trailer_malformed);
    const Sha256::Digest expected = trailer_signature({key_, timestamp_.view(), scope_.view()},
                                                      previous_signature_, hasher_.finish());
    if (!same(expected, sent)) return fail(AuthFailure::chunk_signature_mismatch);
    trailer_signed_ = true;
    return;
  }
  const auto algorithm = checksum_of_header(name);
  if (!algorithm || *algorithm != declared_ || checksum_)
    return fail(AuthFailure::trailer_malformed);
  checksum_ = ChecksumValue::parse(declared_, value);
  if (!checksum_) return fail(AuthFailure::trailer_malformed);
  if (!signs()) return;
  hasher_.update(checksum_header(declared_));
  hasher_.update(":");
  hasher_.update(value);
  hasher_.update("\n");
}

void AwsChunkedDecoder::finish_body() {
  if (declared_ != ChecksumAlgorithm::none && !checksum_)
    return fail(AuthFailure::trailer_malformed);
  if (mode_ == PayloadMode::streaming_signed_trailer && !trailer_signed_)
    return fail(AuthFailure::trailer_malformed);
  state_ = State::done;
}

}  // namespace millrace::s3
