// See actions.h.
#include "s3/policy/actions.h"

#include "s3/operations.h"
#include "s3/policy/pattern.h"

#include <array>

namespace millrace::s3::policy {

namespace {

// Actions that AWS has without an operation of their own.
constexpr std::array<std::string_view, 6> further_on_objects = {
    "s3:BypassGovernanceRetention",
    "s3:GetObjectVersionForReplication",
    "s3:ObjectOwnerOverrideToBucketOwner",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:ReplicateTags"};

// DeleteObjects and form uploads are asked of a bucket, for its objects.
bool on_object(const Operation& operation) {
  return operation.scope == Scope::object || operation.id == OperationId::delete_objects ||
         operation.id == OperationId::post_object;
}

}  // namespace

ActionKinds kinds_of(std::string_view pattern) {
  ActionKinds kinds;
  const auto note = [&](std::string_view action, bool object) {
    if (!action.starts_with("s3:") || !matches(pattern, action, Letters::ignore_case)) return;
    (object ? kinds.on_object : kinds.on_bucket) = true;
  };
  for (const Operation& operation : operations()) {
    if (operation.scope == Scope::service) continue;
    note(operation.permission, on_object(operation));
    note(operation.version_permission, on_object(operation));
  }
  for (const std::string_view action : further_on_objects) note(action, true);
  return kinds;
}

}  // namespace millrace::s3::policy
