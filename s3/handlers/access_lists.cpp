// Access lists of buckets and objects, and who owns objects: ACLs are disabled, as in AWS's new
// buckets ("BucketOwnerEnforced"). They can be read, and set to what they are.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/service.h"
#include "s3/store/read.h"
#include "s3/xml/access_documents.h"

namespace millrace::s3::handlers {

using engine::Task;

namespace {

constexpr std::string_view enforced = "BucketOwnerEnforced";

Task<Outcome<>> check_target(Request& request) {
  if (!request.key) co_return co_await check_bucket(request);
  store::MappedPath path;
  store::map(*request.key, path);
  store::OpenObject object;
  const auto opened =
      co_await store::open_object(request.service.store().options(), request.bucket(), path,
                                  request.key->view(), store::Detail::head, object);
  if (!opened) co_return std::unexpected(co_await object_error(request, opened.error()));
  co_return Outcome<>{};
}

bool gives_owner_alone(std::span<const xml::Grant> grants, std::string_view owner) {
  return grants.size() == 1 && grants[0].id == owner && grants[0].uri.empty() &&
         grants[0].email.empty() && grants[0].permission == "FULL_CONTROL";
}

bool has_canned_acl(const Request& request) {
  return request.head().find("x-amz-acl") != nullptr;
}

Task<Outcome<>> get_acl(Request& request) {
  if (const auto there = co_await check_target(request); !there) co_return there;
  co_return co_await send_xml(request,
                              xml::access_list_document(request.service.options().owner_name));
}

// Canned lists and grants in headers that would change something were refused before.
Task<Outcome<>> put_acl(Request& request) {
  auto document = co_await read_document(request, false);
  if (!document) co_return std::unexpected(document.error());
  if (const auto there = co_await check_target(request); !there) co_return there;
  const bool canned = has_canned_acl(request);
  if (document->empty() && !canned) co_return refuse(ErrorCode::missing_security_header);
  if (!document->empty() && canned) co_return refuse(ErrorCode::unexpected_content);
  if (!document->empty()) {
    const auto grants = xml::parse_access_list(*document);
    if (!grants) co_return std::unexpected(grants.error());
    if (!gives_owner_alone(*grants, request.service.options().owner_name)) {
      co_return refuse(ErrorCode::acl_not_supported);
    }
  }
  request.begin(200);
  co_return co_await send_empty(request);
}

}  // namespace

Task<Outcome<>> get_bucket_acl(Request& request) {
  co_return co_await get_acl(request);
}

Task<Outcome<>> put_bucket_acl(Request& request) {
  co_return co_await put_acl(request);
}

Task<Outcome<>> get_object_acl(Request& request) {
  co_return co_await get_acl(request);
}

Task<Outcome<>> put_object_acl(Request& request) {
  co_return co_await put_acl(request);
}

Task<Outcome<>> get_ownership(Request& request) {
  if (const auto there = co_await check_bucket(request); !there) co_return there;
  co_return co_await send_xml(request, xml::ownership_document(enforced));
}

Task<Outcome<>> put_ownership(Request& request) {
  auto document = co_await read_document(request, true);
  if (!document) co_return std::unexpected(document.error());
  const auto ownership = xml::parse_ownership(*document);
  if (!ownership) co_return std::unexpected(ownership.error());
  if (*ownership == "ObjectWriter" || *ownership == "BucketOwnerPreferred") {
    co_return refuse(ErrorCode::not_implemented,
                     "ACLs are not implemented: objects are owned by BucketOwnerEnforced alone");
  }
  if (*ownership != enforced) co_return refuse(ErrorCode::malformed_xml);
  if (const auto there = co_await check_bucket(request); !there) co_return there;
  request.begin(200);
  co_return co_await send_empty(request);
}

// What it is without is what it is with.
Task<Outcome<>> delete_ownership(Request& request) {
  if (const auto there = co_await check_bucket(request); !there) co_return there;
  request.begin(204);
  co_return co_await send_empty(request);
}

}  // namespace millrace::s3::handlers
