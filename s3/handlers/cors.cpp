// GetBucketCors, PutBucketCors, DeleteBucketCors, preflights, and the fields of actual answers.
#include "s3/handlers/cors.h"

#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/settings.h"
#include "s3/limits.h"
#include "s3/service.h"
#include "s3/xml/cors_document.h"

namespace millrace::s3::handlers {

using engine::Result;
using engine::Task;

namespace {

// Nothing: the bucket has no rules.
Task<Outcome<std::optional<CorsConfiguration>>> read_rules(const Request& request,
                                                           std::string_view bucket) {
  auto document =
      co_await store::read_setting(request.service.store().options(), bucket, store::Setting::cors);
  if (!document) co_return std::unexpected(setting_error(document.error()));
  if (!*document) co_return std::nullopt;
  auto rules = xml::parse_cors(**document);
  if (!rules) co_return refuse(ErrorCode::internal_error);
  co_return std::move(*rules);
}

}  // namespace

void write_cors(http::HeadWriter& head, const CorsAnswer& answer) {
  if (!answer.configured) return;
  if (answer.allowed()) {
    std::ignore = head.field("Access-Control-Allow-Origin", answer.origin);
    std::ignore = head.field("Access-Control-Allow-Methods", answer.methods);
    if (!answer.headers.empty()) {
      std::ignore = head.field("Access-Control-Allow-Headers", answer.headers);
    }
    if (!answer.exposed.empty()) {
      std::ignore = head.field("Access-Control-Expose-Headers", answer.exposed);
    }
    if (answer.max_age_s) {
      std::ignore = head.field("Access-Control-Max-Age", std::uint64_t{*answer.max_age_s});
    }
    if (answer.origin != "*") std::ignore = head.field("Access-Control-Allow-Credentials", "true");
  }
  std::ignore =
      head.field("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

Task<> prepare_cors(Request& request, std::string_view bucket) {
  const http::Head& head = request.head();
  const auto rules = co_await read_rules(request, bucket);
  if (!rules || !*rules) co_return;
  request.cors = match_cors(**rules, head.value("origin"), head.method_text, {});
}

Task<Outcome<>> preflight(Request& request) {
  const http::Head& head = request.head();
  const std::string_view origin = head.value("origin");
  const std::string_view method = head.value("access-control-request-method");
  if (origin.empty()) {
    co_return refuse(ErrorCode::bad_request,
                     "Insufficient information. Origin request header needed.");
  }
  if (method.empty()) {
    co_return refuse(ErrorCode::bad_request, "Invalid Access-Control-Request-Method: null");
  }
  if (request.address.scope == Scope::service) {
    co_return refuse(ErrorCode::access_forbidden, "CORSResponse: CORS is not enabled.");
  }
  const auto rules = co_await read_rules(request, request.bucket());
  if (!rules) co_return std::unexpected(rules.error());
  if (!*rules) {
    co_return refuse(ErrorCode::access_forbidden,
                     "CORSResponse: CORS is not enabled for this bucket.");
  }
  request.cors = match_cors(**rules, origin, method, head.value("access-control-request-headers"));
  if (!request.cors.allowed()) {
    co_return refuse(ErrorCode::access_forbidden,
                     "CORSResponse: This CORS request is not allowed. This is usually because the "
                     "evalution of Origin, request method / Access-Control-Request-Method or "
                     "Access-Control-Request-Headers are not whitelisted by the resource's CORS "
                     "spec.");
  }
  request.begin(200);
  co_return co_await send_empty(request);
}

Task<Outcome<>> get_bucket_cors(Request& request) {
  const auto rules = co_await read_rules(request, request.bucket());
  if (!rules) co_return std::unexpected(rules.error());
  if (!*rules) co_return refuse(ErrorCode::no_such_cors_configuration);
  co_return co_await send_xml(request, xml::cors_document(**rules));
}

Task<Outcome<>> put_bucket_cors(Request& request) {
  auto body = co_await read_document(request, true);
  if (!body) co_return std::unexpected(body.error());
  if (body->size() > limits::cors_body_bytes_max) {
    co_return refuse(ErrorCode::max_message_length_exceeded);
  }
  const auto rules = xml::parse_cors(*body);
  if (!rules) co_return std::unexpected(rules.error());
  if (const auto checked = check_cors(*rules, request.error_text); !checked) co_return checked;
  co_return co_await put_setting(request, store::Setting::cors, xml::cors_document(*rules), 200);
}

Task<Outcome<>> delete_bucket_cors(Request& request) {
  co_return co_await delete_setting(request, store::Setting::cors);
}

}  // namespace millrace::s3::handlers
