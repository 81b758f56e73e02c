// UploadPart: like PutObject, but into its place in the upload.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/receive.h"
#include "s3/handlers/upload_answers.h"
#include "s3/handlers/upload_checksums.h"
#include "s3/limits.h"
#include "s3/payload.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/store/uploads/part.h"

namespace millrace::s3::handlers {

using engine::Task;

Outcome<std::uint32_t> part_number(const Request& request) {
  const auto parameter = request.query.find("partNumber");
  const auto number =
      parameter ? parse_decimal(parameter->value, store::upload_part_number_max) : std::nullopt;
  if (number && *number > 0) return static_cast<std::uint32_t>(*number);
  return refuse_argument("Part number must be an integer between 1 and 10000, inclusive",
                         "partNumber", parameter ? parameter->value : std::string_view());
}

namespace {

Task<Outcome<>> receive_part(Request& request, const PayloadClaims& claims,
                             store::PartWriter& writer, Payload& payload) {
  const PieceSink sink{
      .write =
          [](void* context, std::span<const std::byte> piece, std::uint64_t offset) {
            return static_cast<store::PartWriter*>(context)->write(piece, offset);
          },
      .context = &writer};
  const auto received = co_await receive_into(request, payload, sink);
  if (!received) co_return received;
  const auto wanted = writer.algorithm();
  const auto finished =
      co_await writer.finish({.size = payload.bytes(),
                              .md5 = payload.md5(),
                              .checksum = wanted == ChecksumAlgorithm::none ? ChecksumValue{}
                                          : claims.crc64nvme_too            ? payload.crc64nvme()
                                                                            : payload.checksum(),
                              .blocks = payload.blocks()});
  if (!finished) co_return std::unexpected(upload_error(finished.error()));
  const ChecksumValue& checksum = payload.checksum();
  http::HeadWriter& out = request.begin(200);
  const auto etag = hex_of(payload.md5());
  std::ignore = out.etag({etag.data(), etag.size()});
  if (checksum.algorithm != ChecksumAlgorithm::none) {
    std::ignore = out.field(checksum_header(checksum.algorithm), checksum.base64().view());
  }
  co_return Outcome<>{};
}

}  // namespace

Task<Outcome<>> upload_part(Request& request) {
  const auto number = part_number(request);
  if (!number) co_return std::unexpected(number.error());
  auto claims = parse_payload_claims(request.head(), request.identity, limits::put_bytes_max);
  if (!claims) co_return std::unexpected(claims.error());
  store::PartWriter writer(request.service.store());
  const auto begun = co_await writer.begin(request.bucket(), request.key->view(),
                                           upload_id(request), *number, claims->bytes);
  if (!begun) co_return std::unexpected(upload_error(begun.error()));
  Outcome<> stored = agree_on_checksum(request, writer.kind(), *claims);
  if (stored) {
    Payload payload(request.exchange, request.identity, *claims, Payload::Md5Use::etag,
                    request.service.store().md5_queue());
    stored = co_await receive_part(request, *claims, writer, payload);
  }
  if (!stored) {
    co_await writer.abandon();
    co_return stored;
  }
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
