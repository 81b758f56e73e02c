// Which operation a request asks for. One table decides method, scope, sub-resource, permission
// and whether it is built, so that no request is ever taken for another one: an operation that is
// not built resolves to itself (and answers 501). Constant data and pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/head.h"
#include "s3/address.h"
#include "s3/auth/percent.h"
#include "s3/error.h"
#include "s3/operation_table.h"

namespace millrace::s3 {

enum class OperationId : std::uint8_t {
#define MILLRACE_S3_ENUMERATOR(identifier, ...) identifier,
  MILLRACE_S3_OPERATIONS(MILLRACE_S3_ENUMERATOR)
#undef MILLRACE_S3_ENUMERATOR
};

inline constexpr std::size_t operation_count = 0
#define MILLRACE_S3_COUNT(...) +1
    MILLRACE_S3_OPERATIONS(MILLRACE_S3_COUNT)
#undef MILLRACE_S3_COUNT
    ;

// What beside method, scope and selector tells two operations apart.
enum class Variant : std::uint8_t {
  plain,
  list_type_2,          // list-type=2
  with_id,              // an id parameter: one configuration, not their list
  with_part_number,     // a partNumber parameter
  copy_source,          // x-amz-copy-source
  part_copy_source,     // x-amz-copy-source and partNumber
  object_lambda_route,  // x-amz-request-route
};

struct Operation {
  OperationId id;
  std::string_view name;  // as in the S3 API reference
  http::Method method;
  Scope scope;
  std::string_view selector;
  Variant variant;
  std::string_view permission;          // IAM action; empty for a preflight, which needs none
  std::string_view version_permission;  // the action when a version is named; may be empty
  bool implemented;
};

// In the order of OperationId, so that an id is also an index of handlers.
std::span<const Operation> operations();
const Operation& operation(OperationId id);

// The IAM action that this request needs; version_named: it names a versionId.
std::string_view permission(OperationId id, bool version_named);

// Resolves by method, scope, query and selecting headers. Unknown query parameters are ignored,
// as AWS does. Errors: MethodNotAllowed (nothing in S3 has this method on this resource; send
// allowed_methods as Allow), InvalidArgument (two sub-resources at once, a list-type that does not
// exist), InvalidRequest (a part number that makes no sense).
Outcome<OperationId> resolve(const http::Head& head, const QueryParameters& query, Scope scope);

// The value of Allow (RFC 9110 section 10.2.1) for a resource and its sub-resource in the query.
class AllowedMethods {
 public:
  std::string_view text() const { return {text_.data(), size_}; }
  void add(std::string_view method);

 private:
  std::array<char, 48> text_{};
  std::size_t size_ = 0;
};
AllowedMethods allowed_methods(Scope scope, const QueryParameters& query);

}  // namespace millrace::s3
