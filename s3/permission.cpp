// See permission.h.
#include "s3/permission.h"

#include "s3/policy/evaluate.h"
#include "s3/query.h"
#include "s3/service.h"

#include <netinet/in.h>

#include <cstring>

namespace millrace::s3 {

using engine::Task;
using policy::Key;

namespace {

// How long the owner's requests go without another look for a policy.
constexpr std::uint64_t owner_memory_ns = 1'000'000'000;

std::optional<policy::Address> address_of(const sockaddr_storage& peer) {
  policy::Address address;
  if (peer.ss_family == AF_INET) {
    address.v4 = true;
    std::memcpy(address.bytes.data() + 12, &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, 4);
    return address;
  }
  if (peer.ss_family != AF_INET6) return std::nullopt;
  const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  std::memcpy(address.bytes.data(), &six, sizeof six);
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    address = {.bytes = {}, .v4 = true};
    std::memcpy(address.bytes.data() + 12, six.s6_addr + 12, 4);
  }
  return address;
}

bool is_list(const Request& request) {
  return *request.operation == OperationId::list_objects ||
         *request.operation == OperationId::list_objects_v2 ||
         *request.operation == OperationId::list_object_versions;
}

// Fills in what a policy asks of a request. The texts live in the request and in `memory`.
class ContextOf {
 public:
  ContextOf(const Request& request, policy::KeySet used) : request_(request), used_(used) {}

  Outcome<> fill(policy::Context& context) {
    if (used_ == 0) return {};
    const auto& connection = request_.exchange.connection();
    context.source = address_of(connection.peer);
    context.now_seconds = static_cast<std::int64_t>(request_.service.shard().wall_seconds());
    text(context, Key::secure_transport) = connection.tls ? "true" : "false";
    take_header(context, Key::referer, "referer");
    take_header(context, Key::user_agent, "user-agent");
    take_header(context, Key::if_match, "if-match");
    take_header(context, Key::if_none_match, "if-none-match");
    if (!request_.identity.anonymous()) {
      text(context, Key::auth_type) = request_.form_head != nullptr ? "POST"
                                      : request_.identity.presigned ? "REST-QUERY-STRING"
                                                                    : "REST-HEADER";
      text(context, Key::signature_version) = "AWS4-HMAC-SHA256";
    }
    return fill_from_query(context);
  }

 private:
  static std::optional<std::string_view>& text(policy::Context& context, Key key) {
    return context.texts[static_cast<std::size_t>(key)];
  }
  bool uses(Key key) const { return (used_ & policy::bit_of(key)) != 0; }

  void take_header(policy::Context& context, Key key, std::string_view name) const {
    if (!uses(key)) return;
    // A form's field is what the header is of a PutObject.
    const bool of_form = request_.form_head != nullptr && name.starts_with("x-amz-");
    const http::Head& head = of_form ? *request_.form_head : request_.head();
    if (const auto* field = head.find(name)) text(context, key) = field->value;
  }

  Outcome<> take_parameter(policy::Context& context, Key key, std::string_view name) {
    if (!uses(key) || text(context, key)) return {};
    const auto parameter = find_ignoring_case(name);
    if (!parameter) return {};
    if (!arena_) {
      memory_.resize(request_.query.text().size());
      arena_.emplace(memory_);
    }
    const auto decoded = arena_->decode(parameter->value, UriPart::query);
    if (!decoded) return std::unexpected(decoded.error());
    text(context, key) = *decoded;
    return {};
  }

  // Presigning libraries may have moved headers into the query, in whatever case.
  std::optional<RawParameter> find_ignoring_case(std::string_view name) const {
    if (!name.starts_with("x-amz-")) return request_.query.find(name);
    for (const RawParameter parameter : request_.query) {
      if (decodes_to(parameter.name, name, Case::ignored)) return parameter;
    }
    return std::nullopt;
  }

  Outcome<> fill_from_query(policy::Context& context) {
    if (is_list(request_)) {
      for (const Key key : {Key::prefix, Key::delimiter, Key::max_keys}) {
        const auto taken = take_parameter(context, key, policy::key_name(key).substr(3));
        if (!taken) return taken;
      }
    }
    if (const auto taken = take_parameter(context, Key::version_id, "versionId"); !taken) {
      return taken;
    }
    for (const Key key : {Key::acl, Key::content_sha256, Key::copy_source, Key::metadata_directive,
                          Key::encryption, Key::storage_class}) {
      const std::string_view name = policy::key_name(key).substr(3);
      take_header(context, key, name);
      if (const auto taken = take_parameter(context, key, name); !taken) return taken;
    }
    return {};
  }

  const Request& request_;
  const policy::KeySet used_;
  std::vector<char> memory_;
  std::optional<DecodeArena> arena_;
};

Outcome<policy::Verdict> ask(const Request& request, const policy::Document& document,
                             const Wish& wish) {
  policy::Context context;
  ContextOf filled(request, document.keys_used);
  if (const auto done = filled.fill(context); !done) return std::unexpected(done.error());
  const Principal* principal = request.identity.principal;
  return policy::evaluate(document,
                          {.principal = principal == nullptr ? "" : principal->name,
                           .action = wish.action,
                           .bucket = wish.bucket,
                           .key = wish.key},
                          context);
}

Outcome<> owner_may(const Request& request, BucketPolicies::Known policy, const Wish& wish) {
  if (policy == nullptr) return {};
  const auto verdict = ask(request, *policy, wish);
  if (!verdict) return std::unexpected(verdict.error());
  if (*verdict == policy::Verdict::deny) return refuse(ErrorCode::access_denied);
  return {};
}

S3Error unreadable(engine::Error error) {
  if (error.code == engine::Errc::corrupt || error.code == engine::Errc::unsupported) {
    return {.code = ErrorCode::internal_error,
            .detail = "The settings of the bucket cannot be read."};
  }
  return {.code = error_code_of(error)};
}

// What decides about a stranger. NoSuchBucket without a bucket; one without a policy is nobody's but
// its owner's. Valid until the caller waits for something.
Task<Outcome<BucketPolicies::Access>> access_of_strangers(Request& request,
                                                          std::string_view bucket) {
  BucketPolicies& policies = request.service.policies();
  auto access = policies.proven(bucket);
  // Once for all that one request asks.
  if (!access && request.policy_read_ns != 0) {
    access = policies.access_since(bucket, request.policy_read_ns);
  }
  if (!access) {
    if (const auto admitted = admit(request.service.shard()); !admitted) {
      co_return std::unexpected(admitted.error());
    }
    if (request.policy_read_ns == 0) {
      request.policy_read_ns = request.service.shard().ring().monotonic_ns();
    }
    const auto read = co_await policies.read_access(bucket);
    if (!read && read.error().is(ENOENT)) co_return refuse(ErrorCode::no_such_bucket);
    if (!read) co_return std::unexpected(unreadable(read.error()));
    access = *read;
  }
  if (access->policy == nullptr) co_return refuse(ErrorCode::access_denied);
  co_return *access;
}

Outcome<> stranger_may(const Request& request, const BucketPolicies::Access& access,
                       const Wish& wish) {
  if (access.policy == nullptr) return refuse(ErrorCode::access_denied);
  const auto verdict = ask(request, *access.policy, wish);
  if (!verdict) return std::unexpected(verdict.error());
  const bool closed = access.policy->is_public && access.restricts_public;
  if (*verdict != policy::Verdict::allow || closed) return refuse(ErrorCode::access_denied);
  return {};
}

bool about_policy(OperationId id) {
  return id == OperationId::get_bucket_policy || id == OperationId::put_bucket_policy ||
         id == OperationId::delete_bucket_policy;
}

// What a policy can give to strangers: objects and their lists.
bool open_to_strangers(OperationId id) {
  const Operation& row = operation(id);
  // A rename takes an object away, and nobody asks for that by name.
  if (row.scope == Scope::object) return id != OperationId::rename_object;
  switch (id) {
    case OperationId::delete_objects:
    case OperationId::list_objects:
    case OperationId::list_objects_v2:
    case OperationId::list_object_versions:
    case OperationId::list_multipart_uploads:
    case OperationId::get_bucket_location:
    case OperationId::head_bucket:
    case OperationId::post_object: return true;
    default: return false;
  }
}

Wish wish_of(const Request& request) {
  const OperationId id = *request.operation;
  const bool version_named =
      request.query.may_begin_with('v') && request.query.find("versionId").has_value();
  Wish wish{.action = permission(id, version_named), .bucket = request.bucket(), .key = {}};
  if (request.key) wish.key = request.key->view();
  return wish;
}

// AWS: "Request specific response headers cannot be used for anonymous GET requests."
Outcome<> check_overrides(const Request& request) {
  if (!request.identity.anonymous() || !request.query.may_begin_with('r')) return {};
  for (const char* name :
       {"response-content-type", "response-content-language", "response-expires",
        "response-cache-control", "response-content-disposition", "response-content-encoding"}) {
    if (!request.query.find(name)) continue;
    return refuse(ErrorCode::invalid_request,
                  "Request specific response headers cannot be used for anonymous GET requests.");
  }
  return {};
}

}  // namespace

std::optional<Outcome<>> permission_known(Request& request, const Wish& wish) {
  if (request.identity.anonymous()) {
    const auto access = request.service.policies().proven(wish.bucket);
    if (!access) return std::nullopt;
    return stranger_may(request, *access, wish);
  }
  if (!request.identity.principal->root) return refuse(ErrorCode::access_denied);
  const std::uint64_t now_ns = request.service.shard().now_ns();
  const auto known = request.service.policies().read_since(
      wish.bucket, now_ns > owner_memory_ns ? now_ns - owner_memory_ns : 1);
  if (!known) return std::nullopt;
  return owner_may(request, *known, wish);
}

Task<Outcome<>> check_permission(Request& request, Wish wish) {
  if (const auto known = permission_known(request, wish)) co_return *known;
  if (request.identity.anonymous()) {
    const auto access = co_await access_of_strangers(request, wish.bucket);
    co_return access ? stranger_may(request, *access, wish) : std::unexpected(access.error());
  }
  const auto read = co_await request.service.policies().read(wish.bucket);
  // The operation itself says that there is no such bucket.
  if (!read && read.error().is(ENOENT)) co_return Outcome<>{};
  if (!read) co_return std::unexpected(unreadable(read.error()));
  co_return owner_may(request, *read, wish);
}

std::optional<Outcome<>> authorised_at_once(Request& request) {
  const OperationId id = *request.operation;
  const bool anonymous = request.identity.anonymous();
  const std::string_view needed = operation(id).permission;
  // A preflight is anybody's question.
  if (needed.empty() && (!anonymous || handler_of(id) != nullptr)) return Outcome<>{};
  if (anonymous && !open_to_strangers(id)) return refuse(ErrorCode::access_denied);
  if (!anonymous) {
    if (!request.identity.principal->root) return refuse(ErrorCode::access_denied);
    if (operation(id).scope == Scope::service || id == OperationId::create_bucket ||
        id == OperationId::delete_objects || about_policy(id)) {
      return Outcome<>{};
    }
  }
  // Each of its keys is asked for when its turn comes.
  if (id == OperationId::delete_objects) return std::nullopt;
  const auto known = permission_known(request, wish_of(request));
  return known && *known ? check_overrides(request) : known;
}

Task<Outcome<>> authorise(Request& request) {
  if (*request.operation == OperationId::delete_objects) {
    const auto access = co_await access_of_strangers(request, request.bucket());
    co_return access ? Outcome<>{} : std::unexpected(access.error());
  }
  const auto allowed = co_await check_permission(request, wish_of(request));
  co_return allowed ? check_overrides(request) : allowed;
}

}  // namespace millrace::s3
