// Routing: every operation of the table resolves from the request that its documentation shows,
// and nothing resolves to an operation that the client did not ask for.
#include "s3/operations.h"

#include <doctest/doctest.h>

#include <array>
#include <ostream>
#include <set>
#include <string>

using namespace millrace;
using http::Method;
using s3::OperationId;
using s3::Scope;

namespace millrace::s3 {
std::ostream& operator<<(std::ostream& out, OperationId id) {
  return out << operation(id).name;
}
}  // namespace millrace::s3

namespace {

http::Head head_of(Method method, std::string_view query, std::string_view header = {}) {
  http::Head head;
  head.method = method;
  head.query = query;
  if (!header.empty()) {
    head.field_slots[0] = {header, "value"};
    head.field_count = 1;
  }
  return head;
}

s3::AllowedMethods allowed_methods(Scope scope, std::string_view query) {
  return s3::allowed_methods(scope, query);
}

s3::Outcome<OperationId> resolve(const http::Head& head, Scope scope) {
  return s3::resolve(head, head.query, scope);
}

// The request that the API reference shows for an operation.
struct Documented {
  std::string query;
  std::string_view header;
};
Documented documented(const s3::Operation& row) {
  Documented request{std::string(row.selector), {}};
  switch (row.variant) {
    case s3::Variant::plain: break;
    case s3::Variant::list_type_2: request.query = "list-type=2"; break;
    case s3::Variant::with_id: request.query += "&id=1"; break;
    case s3::Variant::with_part_number: request.query = "partNumber=3&uploadId=u"; break;
    case s3::Variant::copy_source: request.header = "X-Amz-Copy-Source"; break;
    case s3::Variant::part_copy_source:
      request.query = "partNumber=3&uploadId=u";
      request.header = "x-amz-copy-source";
      break;
    case s3::Variant::object_lambda_route: request.header = "x-amz-request-route"; break;
  }
  return request;
}

struct Route {
  Method method;
  Scope scope;
  const char* query;
  const char* header;
  OperationId expected;
};

struct Refusal {
  Method method;
  Scope scope;
  const char* query;
  s3::ErrorCode expected;
};

}  // namespace

TEST_CASE("each operation resolves from its documented request, presigned or not") {
  for (const s3::Operation& row : s3::operations()) {
    CAPTURE(row.name);
    const Documented request = documented(row);
    const auto plain = resolve(head_of(row.method, request.query, request.header), row.scope);
    REQUIRE(plain.has_value());
    CHECK(*plain == row.id);
    const std::string presigned =
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&" + request.query + "&x-id=Something";
    const auto signed_url = resolve(head_of(row.method, presigned, request.header), row.scope);
    REQUIRE(signed_url.has_value());
    CHECK(*signed_url == row.id);
  }
}

TEST_CASE("the table is in the order of the ids, and its names are unique") {
  std::set<std::string_view> names;
  std::size_t index = 0;
  for (const s3::Operation& row : s3::operations()) {
    CAPTURE(row.name);
    CHECK(static_cast<std::size_t>(row.id) == index++);
    CHECK(&s3::operation(row.id) == &row);
    CHECK(names.insert(row.name).second);
    CHECK(row.permission.empty() == (row.id == OperationId::preflight));
  }
  CHECK(index == s3::operation_count);
}

TEST_CASE("a sub-resource never falls back to the plain operation") {
  // Each selector with each method at its scope gives a row of that selector, or 405.
  constexpr std::array methods = {Method::get, Method::head, Method::put, Method::post,
                                  Method::delete_};
  for (const s3::Operation& row : s3::operations()) {
    if (row.selector.empty()) continue;
    for (const Method method : methods) {
      CAPTURE(row.selector);
      CAPTURE(static_cast<int>(method));
      const auto id = resolve(head_of(method, row.selector), row.scope);
      if (id) {
        CHECK(s3::operation(*id).selector == row.selector);
      } else {
        const bool half_part = row.selector == "uploadId" && method == Method::put;
        CHECK(id.error().code ==
              (half_part ? s3::ErrorCode::invalid_request : s3::ErrorCode::method_not_allowed));
      }
    }
  }
}

TEST_CASE("nasty requests that mean something") {
  const std::array table = {
      Route{Method::get, Scope::bucket, "acl", "", OperationId::get_bucket_acl},
      Route{Method::get, Scope::bucket, "acl=", "", OperationId::get_bucket_acl},
      Route{Method::get, Scope::bucket, "%61cl", "", OperationId::get_bucket_acl},
      Route{Method::get, Scope::bucket, "list-type=2&acl", "", OperationId::get_bucket_acl},
      Route{Method::get, Scope::bucket, "Acl", "", OperationId::list_objects},
      Route{Method::get, Scope::bucket, "list-type=1", "", OperationId::list_objects},
      Route{Method::get, Scope::bucket, "list%2Dtype=%32", "", OperationId::list_objects_v2},
      Route{Method::get, Scope::bucket, "prefix=acl&marker=uploads", "", OperationId::list_objects},
      Route{Method::get, Scope::bucket, "list-type=2&uploads&prefix=x", "",
            OperationId::list_multipart_uploads},
      Route{Method::get, Scope::bucket, "versions&list-type=2", "",
            OperationId::list_object_versions},
      Route{Method::get, Scope::bucket, "metrics&id=", "",
            OperationId::get_bucket_metrics_configuration},
      Route{Method::get, Scope::bucket, "id=1", "", OperationId::list_objects},
      Route{Method::post, Scope::bucket, "", "", OperationId::post_object},
      Route{Method::put, Scope::object, "tagging", "", OperationId::put_object_tagging},
      Route{Method::put, Scope::object, "tagging", "x-amz-copy-source",
            OperationId::put_object_tagging},
      Route{Method::put, Scope::object, "", "x-amz-copy-source", OperationId::copy_object},
      Route{Method::put, Scope::object, "X-Amz-Copy-Source=%2Fb%2Fk", "", OperationId::copy_object},
      Route{Method::put, Scope::object, "x-id=UploadPart", "", OperationId::put_object},
      Route{Method::put, Scope::object, "encryption", "", OperationId::update_object_encryption},
      Route{Method::delete_, Scope::object, "uploadId=", "", OperationId::abort_multipart_upload},
      Route{Method::delete_, Scope::object, "versionId=v", "", OperationId::delete_object},
      Route{Method::delete_, Scope::object, "tagging", "", OperationId::delete_object_tagging},
      Route{Method::get, Scope::object, "partNumber=1", "", OperationId::get_object},
      Route{Method::head, Scope::object, "partNumber=1", "", OperationId::head_object},
      Route{Method::get, Scope::object, "partNumber=1&uploadId=u", "", OperationId::list_parts},
      Route{Method::get, Scope::object, "response-content-type=a", "", OperationId::get_object},
      Route{Method::get, Scope::object, "metrics", "", OperationId::get_object},
      Route{Method::get, Scope::object, "session=1&metrics&acl", "", OperationId::get_object_acl},
      Route{Method::post, Scope::object, "select&select-type=2", "",
            OperationId::select_object_content},
      Route{Method::options, Scope::object, "acl&tagging", "", OperationId::preflight},
      Route{Method::options, Scope::service, "", "", OperationId::preflight},
  };
  for (const Route& route : table) {
    CAPTURE(route.query);
    CAPTURE(route.header);
    const auto id = resolve(head_of(route.method, route.query, route.header), route.scope);
    REQUIRE(id.has_value());
    CHECK(*id == route.expected);
  }
}

TEST_CASE("refused requests") {
  using s3::ErrorCode;
  const std::array table = {
      Refusal{Method::get, Scope::bucket, "acl&policy", ErrorCode::invalid_argument},
      Refusal{Method::post, Scope::object, "uploads&uploadId=u", ErrorCode::invalid_argument},
      Refusal{Method::put, Scope::object, "acl&tagging", ErrorCode::invalid_argument},
      Refusal{Method::get, Scope::bucket, "list-type=3", ErrorCode::invalid_argument},
      Refusal{Method::put, Scope::object, "uploadId=u", ErrorCode::invalid_request},
      Refusal{Method::put, Scope::object, "partNumber=1", ErrorCode::invalid_request},
      Refusal{Method::delete_, Scope::object, "partNumber=1", ErrorCode::invalid_request},
      Refusal{Method::delete_, Scope::bucket, "acl", ErrorCode::method_not_allowed},
      Refusal{Method::delete_, Scope::bucket, "versioning", ErrorCode::method_not_allowed},
      Refusal{Method::delete_, Scope::bucket, "uploads", ErrorCode::method_not_allowed},
      Refusal{Method::delete_, Scope::bucket, "uploadId=u", ErrorCode::method_not_allowed},
      Refusal{Method::head, Scope::object, "acl", ErrorCode::method_not_allowed},
      Refusal{Method::get, Scope::object, "policy", ErrorCode::method_not_allowed},
      Refusal{Method::put, Scope::object, "versioning", ErrorCode::method_not_allowed},
      Refusal{Method::delete_, Scope::object, "delete", ErrorCode::method_not_allowed},
      Refusal{Method::post, Scope::object, "", ErrorCode::method_not_allowed},
      Refusal{Method::post, Scope::service, "", ErrorCode::method_not_allowed},
      Refusal{Method::put, Scope::service, "", ErrorCode::method_not_allowed},
      Refusal{Method::delete_, Scope::service, "", ErrorCode::method_not_allowed},
      Refusal{Method::other, Scope::bucket, "", ErrorCode::method_not_allowed},
      Refusal{Method::get, Scope::service, "acl", ErrorCode::method_not_allowed},
  };
  for (const Refusal& refusal : table) {
    CAPTURE(refusal.query);
    CAPTURE(static_cast<int>(refusal.method));
    const auto id = resolve(head_of(refusal.method, refusal.query), refusal.scope);
    REQUIRE_FALSE(id.has_value());
    CHECK(id.error().code == refusal.expected);
  }
  const auto conflict = resolve(head_of(Method::get, "policy&acl"), Scope::bucket);
  CHECK(conflict.error().argument_name == "ResourceType");
  CHECK(conflict.error().argument_value == "policy");
}

TEST_CASE("Allow names the methods of the resource in question") {
  CHECK(allowed_methods(Scope::service, "").text() == "GET");
  CHECK(allowed_methods(Scope::bucket, "").text() == "GET, HEAD, PUT, DELETE, POST");
  CHECK(allowed_methods(Scope::bucket, "versioning").text() == "GET, PUT");
  CHECK(allowed_methods(Scope::object, "uploads").text() == "POST");
  CHECK(allowed_methods(Scope::object, "policy").text().empty());
}

TEST_CASE("a named version needs the permission for versions") {
  CHECK(s3::permission(OperationId::get_object, false) == "s3:GetObject");
  CHECK(s3::permission(OperationId::get_object, true) == "s3:GetObjectVersion");
  CHECK(s3::permission(OperationId::put_object, true) == "s3:PutObject");
  CHECK(s3::permission(OperationId::head_bucket, false) == "s3:ListBucket");
}
