// See answers.h.
#include "s3/handlers/answers.h"

#include "s3/handlers/receive.h"
#include "s3/limits.h"
#include "s3/payload.h"
#include "s3/permission.h"
#include "s3/service.h"
#include "s3/store/bucket.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

// A connection that broke while the answer was sent has no reader for an error.
Outcome<> sent(engine::Result<> result) {
  if (!result) return refuse(ErrorCode::request_timeout, "The answer could not be sent.");
  return {};
}

}  // namespace

Task<Outcome<>> send_xml(Request& request, const std::string& document) {
  std::ignore = request.begin(200).field("Content-Type", "application/xml");
  co_return sent(co_await request.exchange.send(document));
}

Task<Outcome<>> send_empty(Request& request) {
  const int status = request.exchange.status();
  if (status == 204 || status == 304) co_return sent(co_await request.exchange.send_nothing());
  co_return sent(co_await request.exchange.send_head(0));
}

Task<Outcome<std::vector<char>>> read_document(Request& request, bool required) {
  const http::Head& head = request.head();
  std::vector<char> document;
  if (!head.has_body()) {
    if (required) co_return refuse(ErrorCode::missing_request_body);
    co_return document;
  }
  const bool completes = request.operation == OperationId::complete_multipart_upload;
  const auto claims = parse_payload_claims(
      head, request.identity, limits::xml_body_bytes_max,
      completes ? ChecksumHeaders::of_something_else : ChecksumHeaders::of_the_body);
  if (!claims) {
    co_return claims.error().code == ErrorCode::entity_too_large
        ? refuse(ErrorCode::max_message_length_exceeded)
        : std::unexpected(claims.error());
  }
  Payload payload(request.exchange, request.identity, *claims, Payload::Md5Use::checked_only,
                  request.service.store().md5_queue());
  const engine::Buffer buffer = co_await engine::Shard::current().body_buffers().acquire();
  for (;;) {
    const auto got = co_await payload.read(buffer.bytes());
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) break;
    const auto* bytes = reinterpret_cast<const char*>(buffer.data());
    document.insert(document.end(), bytes, bytes + *got);
  }
  if (const auto verified = verify(request, payload); !verified) {
    co_return std::unexpected(verified.error());
  }
  co_return document;
}

S3Error bucket_error(engine::Error error) {
  if (error.is(ENOENT)) return {.code = ErrorCode::no_such_bucket};
  return {.code = error_code_of(error)};
}

Task<S3Error> object_error(Request& request, engine::Error error) {
  if (!error.is(ENOENT)) co_return S3Error{.code = error_code_of(error)};
  const auto there =
      co_await store::bucket_exists(request.service.store().options(), request.bucket());
  if (!there) co_return S3Error{.code = error_code_of(there.error())};
  if (!*there) co_return S3Error{.code = ErrorCode::no_such_bucket};
  const auto may_list = co_await check_permission(
      request, {.action = "s3:ListBucket", .bucket = request.bucket(), .key = {}});
  co_return may_list ? S3Error{.code = ErrorCode::no_such_key} : may_list.error();
}

Task<Outcome<>> check_bucket(Request& request) {
  const auto there =
      co_await store::bucket_exists(request.service.store().options(), request.bucket());
  if (!there) co_return refuse(error_code_of(there.error()));
  if (!*there) co_return refuse(ErrorCode::no_such_bucket);
  co_return Outcome<>{};
}

store::Ownership ownership(const Request& request) {
  const Principal* principal = request.identity.principal;
  const ServiceOptions& options = request.service.options();
  if (principal == nullptr) return options.anonymous_owner;
  if (!principal->uid && !principal->gid) return options.default_owner;
  return {.uid = principal->uid, .gid = principal->gid};
}

}  // namespace millrace::s3::handlers
