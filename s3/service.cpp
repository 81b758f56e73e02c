// See service.h. The order is fixed: address, operation, signature, permission, admission; only
// then is anything looked at on disk, and the body asked for.
#include "s3/service.h"

#include "s3/error_details.h"
#include "s3/handlers/cors.h"
#include "s3/limits.h"
#include "s3/permission.h"
#include "s3/post/form.h"
#include "s3/presigned_fields.h"
#include "s3/store/bucket.h"
#include "s3/unimplemented.h"
#include "s3/xml/error_document.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>

#include <cstring>

namespace millrace::s3 {

using engine::Task;

Service::Service(engine::Shard& shard, const ServiceOptions& options,
                 const store::StoreOptions& store_options, store::KeyLocks& locks)
    : shard_(shard),
      options_(options),
      store_(store_options, locks),
      places_(store_.options().data_fd),
      objects_(store_.options(), places_, options.objects_kept_max),
      indexes_(shard),
      entries_(store_.options()),
      policies_(store_.options(), places_, options_.owner_name) {
  CHECK(::getrandom(&next_id_, sizeof next_id_, 0) == sizeof next_id_);
}

http::Handler Service::handler() {
  return {&Service::serve, this};
}

RequestId Service::next_id() {
  // Unpredictable start, then counted: unique in this process, and next to each other in a log.
  static constexpr char digits[] = "0123456789ABCDEF";
  RequestId id;
  std::uint64_t value = next_id_++;
  for (auto at = id.rbegin(); at != id.rend(); ++at, value >>= 4) *at = digits[value & 15];
  return id;
}

http::HeadWriter& Request::begin(int status) {
  http::HeadWriter& head = exchange.begin(status);
  std::ignore = head.field("x-amz-request-id", id_text());
  std::ignore = head.field("x-amz-id-2", id_text());
  handlers::write_cors(head, cors);
  return head;
}

Task<> Service::serve(void* context, http::Exchange& exchange) {
  auto& service = *static_cast<Service*>(context);
  const SideDoor& door = service.options_.side_door;
  const http::Head& head = exchange.head();
  if (door.owns != nullptr && head.find("authorization") == nullptr && door.owns(head.path)) {
    Request probe(service, exchange);
    const auto address = resolve_address(head, service.options_.domains, probe.bucket_buffer);
    if (address && !address->virtual_host) {
      co_await door.serve(door.context, exchange);
      co_return;
    }
  }
  Request request(service, exchange);
  request.id = service.next_id();
  co_await service.serve_request(request);
}

// Before anything else, so that errors have it too; a preflight reads the rules itself.
Task<> Service::prepare_cors(Request& request) {
  BucketBuffer buffer{};
  const auto address = resolve_address(request.head(), options_.domains, buffer);
  if (!address || address->scope == Scope::service || !store::bucket_name_valid(address->bucket) ||
      !admit(shard_)) {
    co_return;
  }
  co_await handlers::prepare_cors(request, address->bucket);
}

Task<> Service::serve_request(Request& request) {
  if (request.head().find("origin") != nullptr && request.head().method != http::Method::options) {
    co_await prepare_cors(request);
  }
  const auto outcome = co_await run(request);
  if (!outcome) {
    request.failed = true;
    request.error = outcome.error().code;
    if (!request.exchange.head_sent()) co_await answer_error(request, outcome.error());
  }
  account(request);
}

Outcome<> admit(engine::Shard& shard) {
  if (shard.page().requests_active.get() > limits::requests_active_max ||
      shard.body_buffers().waiting() > limits::buffer_waiters_max) {
    return refuse(ErrorCode::slow_down);
  }
  return {};
}

Task<Outcome<>> Service::run(Request& request) {
  const http::Head& head = request.head();
  const auto address = resolve_address(head, options_.domains, request.bucket_buffer);
  if (!address) co_return std::unexpected(address.error());
  request.address = *address;
  const auto operation_id = resolve(head, request.query, address->scope);
  if (operation_id) request.operation = *operation_id;
  // A preflight announces a request and carries its query: the signature in there is not its own.
  if (!operation_id || *operation_id != OperationId::preflight) {
    if (const auto known = identify(request); !known) co_return known;
  }
  if (!operation_id) {
    if (operation_id.error().code == ErrorCode::method_not_allowed) {
      request.error_header_name = "Allow";
      request.error_header_value = allowed_methods(address->scope, request.query).text();
    }
    co_return std::unexpected(operation_id.error());
  }
  // The key is decoded once, for permission and storage alike.
  if (const auto names = check_names(request); !names) co_return names;
  // A form's signature and key are in its body, and the handler asks then.
  const bool later = *operation_id == OperationId::post_object && request.identity.anonymous() &&
                     post::is_form(head.value("content-type"));
  if (!later) {
    if (const auto known = authorised_at_once(request)) {
      if (!*known) co_return std::unexpected(co_await refused(request, known->error()));
    } else if (const auto allowed = co_await authorise(request); !allowed) {
      co_return allowed;
    }
  }
  const Handler handler = handler_of(*operation_id);
  if (handler == nullptr) co_return refuse(ErrorCode::not_implemented);
  const auto whole = check_unimplemented(
      head, request.query, *operation_id,
      {.owner = options_.owner_name, .query_is_in_head = request.identity.presigned});
  if (!whole) co_return std::unexpected(co_await refused(request, whole.error()));
  if (const auto admitted = admit(shard_); !admitted) co_return admitted;
  co_return co_await handler(request);
}

// Nobody is told that he may not use a bucket which is not there.
Task<S3Error> Service::refused(Request& request, S3Error error) {
  const bool of_bucket =
      request.address.scope != Scope::service && request.operation != OperationId::create_bucket;
  if (error.code != ErrorCode::access_denied || !of_bucket) co_return error;
  if (const auto admitted = admit(shard_); !admitted) co_return admitted.error();
  const auto there = co_await store::bucket_exists(store_.options(), request.bucket());
  if (!there) co_return S3Error{.code = error_code_of(there.error())};
  co_return *there ? error : S3Error{.code = ErrorCode::no_such_bucket};
}

Outcome<> Service::identify(Request& request) {
  const Policy policy{.region = options_.region,
                      .now_unix_seconds = static_cast<std::int64_t>(shard_.wall_seconds()),
                      .max_skew_seconds = limits::clock_skew_seconds_max};
  auto identity =
      authenticate(request.head(), request.query, options_.credentials, policy, signing_keys_);
  if (!identity) {
    add_signature_details(request, identity.error().failure, policy.now_unix_seconds);
    return refuse_identity(request, identity.error());
  }
  request.identity = *identity;
  if (!identity->presigned) return {};
  return take_presigned_fields(request.query, request.exchange.head(), request.presigned_text);
}

Outcome<> Service::refuse_identity(Request& request, const AuthError& error) const {
  const S3Answer answer = to_s3(error.failure);
  request.error_text = explain(error, options_.region);
  request.error_header_name = "x-amz-bucket-region";
  request.error_header_value = options_.region;
  return refuse(code_of_text(answer.code), request.error_text);
}

Outcome<> Service::identify_form(Request& request, const FormSignature& form) {
  const auto principal =
      authenticate_form(form, options_.credentials, {.region = options_.region}, signing_keys_);
  if (!principal) {
    add_signature_details(request, principal.error().failure, form);
    return refuse_identity(request, principal.error());
  }
  request.identity.principal = *principal;
  return {};
}

Outcome<> Service::check_names(Request& request) const {
  if (request.address.scope == Scope::service) return {};
  const SideDoor& door = options_.side_door;
  if (!store::bucket_name_valid(request.bucket()) ||
      (door.reserves != nullptr && door.reserves(request.bucket()))) {
    return refuse(ErrorCode::invalid_bucket_name);
  }
  if (request.address.scope != Scope::object) return {};
  const auto key = store::Key::parse(request.address.raw_key);
  if (key) {
    request.key = *key;
    return {};
  }
  switch (key.error()) {
    case store::KeyError::too_long: return refuse(ErrorCode::key_too_long);
    case store::KeyError::empty: return refuse(ErrorCode::invalid_argument);
    case store::KeyError::malformed_escape:
    case store::KeyError::nul:
    case store::KeyError::invalid_utf8: break;
  }
  return refuse(ErrorCode::invalid_uri, store::describe(key.error()));
}

std::string Service::error_document(Request& request, const S3Error& error) const {
  add_error_details(request, error);
  const bool foreign_region = request.error_header_name == "x-amz-bucket-region";
  std::vector<xml::ExtraElement> extra = {
      {"BucketName", request.bucket()},
      {"Key", request.key ? request.key->view() : ""},
      {"Region", foreign_region ? std::string_view(options_.region) : ""}};
  for (const auto& [name, value] : request.error_details) extra.push_back({name, value});
  std::string document;
  xml::append_error(document, error,
                    {.resource = request.head().path,
                     .request_id = request.id_text(),
                     .host_id = request.id_text()},
                    extra);
  return document;
}

Task<> Service::answer_error(Request& request, const S3Error& error) {
  http::Exchange& exchange = request.exchange;
  http::HeadWriter& head = request.begin(http_status(error.code));
  if (!request.error_header_name.empty()) {
    std::ignore = head.field(request.error_header_name, request.error_header_value);
  }
  if (!has_body(error.code)) {
    std::ignore = co_await exchange.send_nothing();
    co_return;
  }
  std::ignore = head.field("Content-Type", "application/xml");
  if (exchange.head().method == http::Method::head) {
    std::ignore = co_await exchange.send_head(0);
    co_return;
  }
  std::ignore = co_await exchange.send(error_document(request, error));
}

}  // namespace millrace::s3
