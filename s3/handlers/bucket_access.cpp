// A bucket's policy and its public access block.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/settings.h"
#include "s3/limits.h"
#include "s3/policy/parse.h"
#include "s3/service.h"
#include "s3/xml/writer.h"

namespace millrace::s3::handlers {

using engine::Task;
using store::Setting;

namespace {

Outcome<policy::Document> parse_policy(Request& request, std::string_view text) {
  if (text.size() > limits::policy_bytes_max) {
    return refuse(ErrorCode::malformed_policy, "Policy exceeds the maximum allowed document size.");
  }
  auto document = policy::parse(text, request.bucket(), request.service.options().owner_name);
  if (document) return std::move(*document);
  request.error_text = std::move(document.error());
  return refuse(ErrorCode::malformed_policy, request.error_text);
}

// AccessDenied where the bucket refuses policies that give something to everybody.
Task<Outcome<>> check_not_blocked(Request& request, const policy::Document& document) {
  if (!document.is_public) co_return Outcome<>{};
  const auto block =
      co_await read_public_access_block(request.service.store().options(), request.bucket());
  if (!block) co_return std::unexpected(setting_error(block.error()));
  if (!*block || !(*block)->block_public_policy) co_return Outcome<>{};
  co_return refuse(ErrorCode::access_denied,
                   "Public policies are blocked by the BlockPublicPolicy setting of the bucket's "
                   "public access block.");
}

}  // namespace

Task<Outcome<>> get_bucket_policy(Request& request) {
  const auto text =
      co_await load_setting(request, Setting::policy, ErrorCode::no_such_bucket_policy);
  if (!text) co_return std::unexpected(text.error());
  std::ignore = request.begin(200).field("Content-Type", "application/json");
  if (!co_await request.exchange.send(*text)) co_return refuse(ErrorCode::request_timeout);
  co_return Outcome<>{};
}

Task<Outcome<>> put_bucket_policy(Request& request) {
  const auto body = co_await read_document(request, true);
  if (!body) co_return std::unexpected(body.error());
  const std::string_view text(body->data(), body->size());
  if (const auto there = co_await check_bucket(request); !there) co_return there;
  const auto document = parse_policy(request, text);
  if (!document) co_return std::unexpected(document.error());
  if (const auto open = co_await check_not_blocked(request, *document); !open) co_return open;
  co_return co_await put_setting(request, Setting::policy, text, 204);
}

Task<Outcome<>> delete_bucket_policy(Request& request) {
  co_return co_await delete_setting(request, Setting::policy);
}

Task<Outcome<>> get_bucket_policy_status(Request& request) {
  const auto policy = co_await request.service.policies().read(request.bucket());
  if (!policy) co_return std::unexpected(setting_error(policy.error()));
  if (*policy == nullptr) co_return refuse(ErrorCode::no_such_bucket_policy);
  std::string document;
  {
    xml::Writer writer(document);
    writer.open_root("PolicyStatus");
    writer.boolean("IsPublic", (*policy)->is_public);
    writer.close();
  }
  co_return co_await send_xml(request, document);
}

Task<Outcome<>> get_public_access_block(Request& request) {
  const auto text = co_await load_setting(request, Setting::public_access_block,
                                          ErrorCode::no_such_public_access_block);
  if (!text) co_return std::unexpected(text.error());
  co_return co_await send_xml(request, *text);
}

Task<Outcome<>> put_public_access_block(Request& request) {
  auto body = co_await read_document(request, true);
  if (!body) co_return std::unexpected(body.error());
  const auto block = xml::parse_public_access_block(*body);
  if (!block) co_return std::unexpected(block.error());
  co_return co_await put_setting(request, Setting::public_access_block,
                                 xml::public_access_block_document(*block), 200);
}

Task<Outcome<>> delete_public_access_block(Request& request) {
  co_return co_await delete_setting(request, Setting::public_access_block);
}

}  // namespace millrace::s3::handlers
