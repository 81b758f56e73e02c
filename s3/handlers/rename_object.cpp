// RenameObject: within one bucket, by one rename of the file (s3/store/rename.h). AWS has it for
// directory buckets; here every bucket is on a filesystem that can.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/write_conditions.h"
#include "s3/limits.h"
#include "s3/permission.h"
#include "s3/query.h"
#include "s3/service.h"
#include "s3/store/read.h"

#include <algorithm>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

constexpr std::string_view source_name = "x-amz-rename-source";
constexpr std::string_view token_name = "x-amz-client-token";

// BUCKET/KEY or /BUCKET/KEY of this very bucket, or the key alone, percent-encoded.
Outcome<store::Key> source_key(Request& request) {
  const std::string_view raw = request.head().value(source_name);
  if (raw.empty()) {
    return refuse(ErrorCode::invalid_request,
                  "Missing required header for this request: x-amz-rename-source");
  }
  request.decoded.resize(raw.size());
  const auto decoded = decode(raw, request.decoded, UriPart::path);
  if (!decoded) return refuse_argument("This is no encoded key.", source_name, raw);
  std::string_view text = *decoded;
  if (text.starts_with('/')) text.remove_prefix(1);
  const std::string_view bucket = request.bucket();
  if (text.size() > bucket.size() && text.starts_with(bucket) && text[bucket.size()] == '/') {
    text.remove_prefix(bucket.size() + 1);
  }
  const auto key = store::Key::from_decoded(text);
  if (key) return *key;
  if (key.error() == store::KeyError::too_long) return refuse(ErrorCode::key_too_long);
  return refuse_argument("This is no key.", source_name, raw);
}

Outcome<std::string_view> client_token(const http::Head& head) {
  const auto* field = head.find(token_name);
  if (field == nullptr) return std::string_view();
  const bool valid = !field->value.empty() &&
                     field->value.size() <= limits::client_token_bytes_max &&
                     std::ranges::all_of(field->value, [](char c) { return c >= '!' && c <= '~'; });
  if (valid) return field->value;
  return refuse_argument("A client token has 1 to 64 printable characters.", token_name,
                         field->value);
}

struct SideNames {
  std::string_view if_match;
  std::string_view if_none_match;
  std::string_view if_modified_since;
  std::string_view if_unmodified_since;
};
constexpr SideNames source_names{
    "x-amz-rename-source-if-match", "x-amz-rename-source-if-none-match",
    "x-amz-rename-source-if-modified-since", "x-amz-rename-source-if-unmodified-since"};
constexpr SideNames destination_names{"if-match", "if-none-match", "if-modified-since",
                                      "if-unmodified-since"};

// An empty value would be read as no condition.
Outcome<http::Conditions> conditions_of(const http::Head& head, const SideNames& names) {
  for (const std::string_view name :
       {names.if_match, names.if_none_match, names.if_modified_since, names.if_unmodified_since}) {
    const auto* field = head.find(name);
    if (field != nullptr && field->value.empty()) {
      return refuse_argument("The condition is empty.", name, field->value);
    }
  }
  return http::Conditions{.if_match = head.value(names.if_match),
                          .if_none_match = head.value(names.if_none_match),
                          .if_modified_since = head.value(names.if_modified_since),
                          .if_unmodified_since = head.value(names.if_unmodified_since)};
}

// It is a read and a removal here, and a write there.
Task<Outcome<>> check_permissions(Request& request, const store::Key& source) {
  const Wish wishes[] = {{"s3:GetObject", request.bucket(), source.view()},
                         {"s3:DeleteObject", request.bucket(), source.view()},
                         {"s3:PutObject", request.bucket(), request.key->view()}};
  for (const Wish& wish : wishes) {
    if (const auto allowed = co_await check_permission(request, wish); !allowed) co_return allowed;
  }
  co_return Outcome<>{};
}

// Before directories are made for what is not there; the rename decides.
Task<Outcome<>> find_source(Request& request, store::RenameSide& from) {
  store::OpenObject object;
  const auto opened =
      co_await store::open_object(request.service.store().options(), request.bucket(), from.path,
                                  from.key, store::Detail::head, object);
  if (!opened) co_return std::unexpected(co_await object_error(request, opened.error()));
  co_return Outcome<>{};
}

}  // namespace

Task<Outcome<>> rename_object(Request& request) {
  const http::Head& head = request.head();
  const auto source = source_key(request);
  if (!source) co_return std::unexpected(source.error());
  if (const auto may = co_await check_permissions(request, *source); !may) co_return may;
  const auto token = client_token(head);
  if (!token) co_return std::unexpected(token.error());
  const auto of_source = conditions_of(head, source_names);
  if (!of_source) co_return std::unexpected(of_source.error());
  const auto of_destination = conditions_of(head, destination_names);
  if (!of_destination) co_return std::unexpected(of_destination.error());
  if (!of_destination->if_none_match.empty() && of_destination->if_none_match != "*") {
    co_return std::unexpected(S3Error{ErrorCode::not_implemented,
                                      {},
                                      destination_names.if_none_match,
                                      of_destination->if_none_match});
  }
  store::MappedPath from;
  store::MappedPath to;
  store::map(*source, from);
  store::map(*request.key, to);
  store::RenameRequest rename{
      .bucket = request.bucket(),
      .from = {from, source->view(), *of_source},
      .to = {to, request.key->view(), *of_destination},
      .token = *token,
      .now_seconds = static_cast<std::int64_t>(request.service.shard().wall_seconds()),
      .asker = request.asker()};
  if (token->empty()) {
    if (const auto found = co_await find_source(request, rename.from); !found) co_return found;
  }
  const auto renamed = co_await request.service.store().rename(rename);
  if (!renamed && renamed.error().is(EXDEV)) co_return refuse(ErrorCode::not_implemented);
  if (!renamed) co_return std::unexpected(change_error(renamed.error()));
  request.begin(200);
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
