// See source_object.h.
#include "s3/handlers/source_object.h"

#include "http/conditions.h"
#include "s3/handlers/answers.h"
#include "s3/handlers/write_conditions.h"
#include "s3/limits.h"
#include "s3/permission.h"
#include "s3/service.h"
#include "s3/store/bucket.h"
#include "s3/store/read.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

constexpr std::string_view source_name = "x-amz-copy-source";

// The rules of the S3 API reference are those of HTTP's conditional reads: a true if-match
// outweighs if-unmodified-since, a false if-none-match if-modified-since. Here nothing is answered
// with 304.
Outcome<> check_conditions(const Request& request, const store::OpenObject& object) {
  const http::Head& head = request.head();
  const http::Conditions conditions{
      .if_match = head.value("x-amz-copy-source-if-match"),
      .if_none_match = head.value("x-amz-copy-source-if-none-match"),
      .if_modified_since = head.value("x-amz-copy-source-if-modified-since"),
      .if_unmodified_since = head.value("x-amz-copy-source-if-unmodified-since")};
  if (!conditions.any()) return {};
  const auto now = static_cast<std::int64_t>(request.service.shard().wall_seconds());
  const auto verdict = http::evaluate(
      conditions,
      {.exists = true, .etag = object.etag(), .modified_seconds = object.modified_seconds()}, true,
      now);
  if (verdict == http::Verdict::proceed) return {};
  return refuse(ErrorCode::precondition_failed);
}

Task<S3Error> source_error(Request& request, std::string_view bucket, engine::Error error) {
  if (!error.is(ENOENT)) co_return S3Error{.code = error_code_of(error)};
  const auto there = co_await store::bucket_exists(request.service.store().options(), bucket);
  if (!there) co_return S3Error{.code = error_code_of(there.error())};
  co_return S3Error{.code = *there ? ErrorCode::no_such_key : ErrorCode::no_such_bucket};
}

}  // namespace

Task<Outcome<>> open_source(Request& request, CopySource& source, store::OpenObject& object) {
  // Every copy must be signed, as on AWS, also where a policy lets strangers read and write.
  if (request.identity.anonymous()) co_return refuse(ErrorCode::access_denied);
  const http::Field* field = request.head().find(source_name);
  if (field == nullptr) {
    co_return refuse(ErrorCode::not_implemented,
                     "x-amz-copy-source must be a header, or signed with a presigned query.");
  }
  const auto parsed = parse_copy_source(field->value);
  if (!parsed) co_return std::unexpected(parsed.error());
  source = *parsed;
  // The table of operations names the permission to write.
  const auto may = co_await check_permission(
      request, {.action = "s3:GetObject", .bucket = source.bucket(), .key = source.key.view()});
  if (!may) co_return may;
  store::MappedPath path;
  store::map(source.key, path);
  const auto opened =
      co_await store::open_object(request.service.store().options(), source.bucket(), path,
                                  source.key.view(), store::Detail::full, object);
  if (!opened) {
    co_return std::unexpected(co_await source_error(request, source.bucket(), opened.error()));
  }
  co_return check_conditions(request, object);
}

S3Error copy_error(engine::Error error) {
  if (error.is(ESTALE)) {
    return {.code = ErrorCode::service_unavailable,
            .detail = "The source was changed while it was copied."};
  }
  if (error.code == engine::Errc::corrupt) {
    return {.code = ErrorCode::internal_error,
            .detail = "The source is not what its own digests say."};
  }
  return change_error(error);
}

Outcome<> check_copy_bytes(std::uint64_t bytes) {
  static_assert(limits::copy_bytes_max == 5368709120);
  if (bytes <= limits::copy_bytes_max) return {};
  return refuse(ErrorCode::invalid_request,
                "The specified copy source is larger than the maximum allowable size for a copy "
                "source: 5368709120");
}

}  // namespace millrace::s3::handlers
