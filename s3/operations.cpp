// Routing by the table of operations; see the header. Selectors (sub-resource names) are derived
// from the table, so that a name can't be known to one half of this file only. Any thread.
#include "s3/operations.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "engine/check.h"
#include "s3/query.h"

namespace millrace::s3 {
namespace {

constexpr bool built = true;
constexpr bool planned = false;

constexpr std::array<Operation, operation_count> table = {{
#define MILLRACE_S3_ROW(identifier, name, method, scope, selector, variant, permission, version, \
                        state)                                                                   \
  Operation{OperationId::identifier,                                                             \
            name,                                                                                \
            http::Method::method,                                                                \
            Scope::scope,                                                                        \
            selector,                                                                            \
            Variant::variant,                                                                    \
            permission,                                                                          \
            version,                                                                             \
            state},
    MILLRACE_S3_OPERATIONS(MILLRACE_S3_ROW)
#undef MILLRACE_S3_ROW
}};

constexpr std::size_t count_selectors() {
  std::size_t count = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    bool seen = table[i].selector.empty();
    for (std::size_t j = 0; j < i; ++j) seen = seen || table[j].selector == table[i].selector;
    if (!seen) ++count;
  }
  return count;
}

constexpr std::size_t selector_count = count_selectors();
static_assert(selector_count <= 64, "a set of selectors is one 64-bit mask");

constexpr std::array<std::string_view, selector_count> make_selectors() {
  std::array<std::string_view, selector_count> names{};
  std::size_t count = 0;
  for (const Operation& row : table) {
    bool seen = row.selector.empty();
    for (std::size_t j = 0; j < count; ++j) seen = seen || names[j] == row.selector;
    if (!seen) names[count++] = row.selector;
  }
  return names;
}

constexpr std::array<std::string_view, selector_count> selectors = make_selectors();

constexpr bool is_lower(std::string_view name) {
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z';
}
static_assert(std::ranges::all_of(selectors, is_lower));

// AWS does not look at these on an object: GET key?metrics is the object. The other names of
// sub-resources of a bucket are refused there (405), which is measured behaviour as well.
constexpr std::array<std::string_view, 11> ignored_on_objects = {
    "abac",    "analytics",   "intelligent-tiering", "metadataConfiguration", "metadataTable",
    "metrics", "object-lock", "ownershipControls",   "policyStatus",          "publicAccessBlock",
    "session"};

struct Request {
  std::uint64_t selectors = 0;  // bit i: selectors[i]
  std::string_view first;       // the first of them in the query
  std::optional<std::string_view> list_type;
  bool id = false;
  bool part_number = false;
  bool copy_source = false;
  bool object_lambda_route = false;
};

// decodes_to with the usual case, a name without escapes, done by one comparison.
bool named(const RawParameter& parameter, std::string_view name) {
  return parameter.name_encoded ? decodes_to(parameter.name, name, Case::exact)
                                : parameter.name == name;
}

void note_parameter(Request& request, const RawParameter& parameter, Scope scope) {
  // Presigned requests bring seven parameters of X-Amz-: none of them needs the loop.
  const bool maybe_selector = parameter.name_encoded || is_lower(parameter.name);
  for (std::size_t i = 0; maybe_selector && i < selectors.size(); ++i) {
    if (!named(parameter, selectors[i])) continue;
    if (scope == Scope::object &&
        std::ranges::find(ignored_on_objects, selectors[i]) != ignored_on_objects.end()) {
      return;
    }
    if (request.selectors == 0) request.first = selectors[i];
    request.selectors |= std::uint64_t{1} << i;
    return;
  }
  if (named(parameter, "id")) request.id = true;
  if (named(parameter, "partNumber")) request.part_number = true;
  if (named(parameter, "list-type") && !request.list_type) {
    request.list_type = parameter.value;
  }
  // Presigning libraries may move headers into the query.
  if (decodes_to(parameter.name, "x-amz-copy-source", Case::ignored)) request.copy_source = true;
}

Request read_request(const QueryParameters& query, Scope scope) {
  Request request;
  for (const RawParameter parameter : query) note_parameter(request, parameter, scope);
  return request;
}

bool holds(Variant variant, const Request& request) {
  switch (variant) {
    case Variant::plain: return true;
    case Variant::list_type_2:
      return request.list_type.has_value() && decodes_to(*request.list_type, "2", Case::exact);
    case Variant::with_id: return request.id;
    case Variant::with_part_number: return request.part_number;
    case Variant::copy_source: return request.copy_source;
    case Variant::part_copy_source: return request.copy_source && request.part_number;
    case Variant::object_lambda_route: return request.object_lambda_route;
  }
  return false;
}

Outcome<> check_list_type(const Request& request) {
  if (!request.list_type || request.list_type->empty() ||
      decodes_to(*request.list_type, "1", Case::exact) ||
      decodes_to(*request.list_type, "2", Case::exact)) {
    return {};
  }
  return refuse_argument("Invalid List Type specified in Request", "list-type", *request.list_type);
}

// A part number without an upload is a way of reading only: as a write it is half an UploadPart.
Outcome<> check_part_number(http::Method method, Scope scope, const Request& request) {
  if (!request.part_number || scope != Scope::object || request.selectors != 0) return {};
  if (method == http::Method::get || method == http::Method::head) return {};
  return refuse(ErrorCode::invalid_request, "A partNumber needs an uploadId in this request");
}

}  // namespace

std::span<const Operation> operations() {
  return table;
}

const Operation& operation(OperationId id) {
  CHECK(static_cast<std::size_t>(id) < table.size());
  return table[static_cast<std::size_t>(id)];
}

std::string_view permission(OperationId id, bool version_named) {
  const Operation& row = operation(id);
  return version_named && !row.version_permission.empty() ? row.version_permission : row.permission;
}

Outcome<OperationId> resolve(const http::Head& head, const QueryParameters& query, Scope scope) {
  // A preflight carries the query of the request that it announces; the table has one row for it.
  if (head.method == http::Method::options) return OperationId::preflight;
  Request request = read_request(query, scope);
  request.copy_source = request.copy_source || head.find("x-amz-copy-source") != nullptr;
  request.object_lambda_route = head.find("x-amz-request-route") != nullptr;

  if (std::popcount(request.selectors) > 1) {
    return refuse_argument("Conflicting query string parameters", "ResourceType", request.first);
  }
  if (const auto checked = check_part_number(head.method, scope, request); !checked) {
    return std::unexpected(checked.error());
  }
  const Operation* found = nullptr;
  bool any = false;
  for (const Operation& row : table) {
    if (row.method != head.method || row.scope != scope || row.selector != request.first) continue;
    any = true;
    if (!holds(row.variant, request)) continue;
    // A variant is more special than plain, and of two variants the later row is.
    if (found == nullptr || row.variant != Variant::plain) found = &row;
  }
  if (!any) return refuse(ErrorCode::method_not_allowed);
  if (found == nullptr) {
    return refuse(ErrorCode::invalid_request, "An uploadId needs a partNumber in this request");
  }
  const bool listing = found->id == OperationId::list_objects;
  if (const auto checked = check_list_type(request); listing && !checked) {
    return std::unexpected(checked.error());
  }
  return found->id;
}

void AllowedMethods::add(std::string_view method) {
  if (text().find(method) != std::string_view::npos) return;
  const std::string_view separator = size_ == 0 ? "" : ", ";
  CHECK(size_ + separator.size() + method.size() <= text_.size());
  for (const char c : separator) text_[size_++] = c;
  for (const char c : method) text_[size_++] = c;
}

AllowedMethods allowed_methods(Scope scope, const QueryParameters& query) {
  const Request request = read_request(query, scope);
  AllowedMethods allowed;
  for (const Operation& row : table) {
    if (row.scope != scope || row.selector != request.first) continue;
    switch (row.method) {
      case http::Method::get: allowed.add("GET"); break;
      case http::Method::head: allowed.add("HEAD"); break;
      case http::Method::put: allowed.add("PUT"); break;
      case http::Method::post: allowed.add("POST"); break;
      case http::Method::delete_: allowed.add("DELETE"); break;
      case http::Method::options:
      case http::Method::other: break;
    }
  }
  return allowed;
}

}  // namespace millrace::s3
