// See upload_checksums.h. Texts that no constant says are kept in the request.
#include "s3/handlers/upload_checksums.h"

#include "s3/handlers/upload_answers.h"
#include "s3/query.h"

#include <fmt/format.h>

namespace millrace::s3::handlers {

namespace {

static_assert(xml::part_checksum_kinds == checksum_algorithms);

std::unexpected<S3Error> refuse_with(Request& request, std::string text) {
  request.error_text = std::move(text);
  return refuse(ErrorCode::invalid_request, request.error_text);
}

std::unexpected<S3Error> refuse_algorithm(Request& request, ChecksumAlgorithm expected,
                                          ChecksumAlgorithm actual) {
  return refuse_with(
      request,
      fmt::format(
          "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
          checksum_lower_name(expected), checksum_lower_name(actual)));
}

// The N of "VALUE-N", which is what a composite looks like; takes it off.
Outcome<std::uint32_t> take_parts(std::string_view& value, ChecksumAlgorithm algorithm) {
  const auto dash = value.find('-');
  if (dash == std::string_view::npos) return 0;
  const auto parts = parse_decimal(value.substr(dash + 1), store::upload_part_number_max);
  if (!parts || *parts == 0) {
    return refuse(ErrorCode::invalid_request, checksum_invalid_text(algorithm));
  }
  value = value.substr(0, dash);
  return static_cast<std::uint32_t>(*parts);
}

Outcome<std::optional<store::StoredChecksumType>> checksum_type(const http::Head& head) {
  const auto type = head.value("x-amz-checksum-type");
  if (type.empty()) return std::nullopt;
  if (http::field_name_equal(type, "full_object")) return store::StoredChecksumType::full_object;
  if (http::field_name_equal(type, "composite")) return store::StoredChecksumType::composite;
  return refuse(ErrorCode::invalid_request, "Value for x-amz-checksum-type header is invalid.");
}

}  // namespace

Outcome<> parse_checksum_kind(Request& request, store::ObjectChecksum& checksum) {
  const http::Head& head = request.head();
  const auto name = head.value("x-amz-checksum-algorithm");
  const auto type = checksum_type(head);
  if (!type) return std::unexpected(type.error());
  if (name.empty()) {
    if (!*type) return {};
    return refuse(ErrorCode::invalid_request,
                  "The x-amz-checksum-type header can only be used with the "
                  "x-amz-checksum-algorithm header.");
  }
  const auto algorithm = checksum_of_name(name);
  if (!algorithm) {
    return refuse(ErrorCode::invalid_request,
                  "Checksum algorithm provided is unsupported. Please try again with any of the "
                  "valid types: [CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, "
                  "XXHASH3, XXHASH64]");
  }
  // Composite where that is possible, as AWS.
  const bool composite = *type ? **type == store::StoredChecksumType::composite
                               : checksum_type_possible(*algorithm, true);
  checksum.algorithm = static_cast<store::StoredChecksum>(*algorithm);
  checksum.type =
      composite ? store::StoredChecksumType::composite : store::StoredChecksumType::full_object;
  if (checksum_type_possible(*algorithm, composite)) return {};
  return refuse_with(
      request, fmt::format("The {} checksum type cannot be used with the {} checksum algorithm.",
                           checksum_type_name(checksum.type), checksum_lower_name(*algorithm)));
}

Outcome<> agree_on_checksum(Request& request, const store::UploadKind& upload,
                            PayloadClaims& claims) {
  if (upload.algorithm == ChecksumAlgorithm::none || claims.algorithm == upload.algorithm) {
    return {};
  }
  const bool sent = claims.algorithm != ChecksumAlgorithm::none;
  if (upload.by_default && sent && upload.algorithm == ChecksumAlgorithm::crc64nvme) {
    claims.crc64nvme_too = true;
    return {};
  }
  if (sent || upload.type == store::StoredChecksumType::composite) {
    return refuse_algorithm(request, upload.algorithm, claims.algorithm);
  }
  claims.algorithm = upload.algorithm;
  return {};
}

std::optional<ChecksumValue> listed_checksum(const xml::PartChecksums& sent) {
  std::optional<ChecksumValue> listed;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (sent[i].empty()) continue;
    if (listed) return ChecksumValue{};
    const auto algorithm = static_cast<ChecksumAlgorithm>(i + 1);
    listed = ChecksumValue::parse(algorithm, sent[i]).value_or(ChecksumValue{});
  }
  return listed;
}

Outcome<store::StatedChecksum> stated_checksum(const http::Head& head) {
  store::StatedChecksum stated;
  const auto type = checksum_type(head);
  if (!type) return std::unexpected(type.error());
  stated.type = *type;
  for (const http::Field& field : head.fields()) {
    const auto algorithm = checksum_of_header(field.name);
    if (!algorithm) continue;
    if (stated.value) {
      return refuse(ErrorCode::invalid_request,
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not "
                    "allowed.");
    }
    std::string_view text = field.value;
    const auto parts = take_parts(text, *algorithm);
    if (!parts) return std::unexpected(parts.error());
    stated.parts = *parts;
    stated.value = ChecksumValue::parse(*algorithm, text);
    if (!stated.value) return refuse(ErrorCode::invalid_request, checksum_invalid_text(*algorithm));
  }
  return stated;
}

S3Error complete_error(Request& request, const store::UploadError& error,
                       const store::StatedChecksum& stated) {
  const auto algorithm = stated.value ? stated.value->algorithm : ChecksumAlgorithm::none;
  S3Error answer = upload_error(error);
  switch (error.failure) {
    case store::UploadFailure::object_size:
      answer.detail = "The provided 'x-amz-mp-object-size' header does not match what was computed";
      break;
    case store::UploadFailure::bad_digest: answer.detail = checksum_mismatch_text(algorithm); break;
    case store::UploadFailure::checksum_algorithm:
      return refuse_algorithm(request, error.algorithm, algorithm).error();
    case store::UploadFailure::checksum_type:
      request.error_text = fmt::format(
          "The upload was created using the {} checksum mode. The complete request must use the "
          "same checksum mode.",
          checksum_type_name(error.checksum_type));
      answer.detail = request.error_text;
      break;
    case store::UploadFailure::checksum_missing:
      return refuse_with(request,
                         fmt::format("The upload was created using a {} checksum. The complete "
                                     "request must include the checksum for each part. It was "
                                     "missing for part {} in the request.",
                                     checksum_lower_name(error.algorithm), error.part))
          .error();
    default: break;
  }
  return answer;
}

}  // namespace millrace::s3::handlers
