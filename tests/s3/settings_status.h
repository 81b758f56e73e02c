// What the plainest request about a setting of a bucket gets that has none.
#pragma once

#include "s3/operations.h"

#include <optional>

namespace millrace::tests {

inline std::optional<int> settings_status(s3::OperationId id) {
  using s3::OperationId;
  switch (id) {
    case OperationId::get_bucket_tagging:
    case OperationId::get_bucket_policy:
    case OperationId::get_bucket_policy_status:
    case OperationId::get_public_access_block:
    case OperationId::get_bucket_website:
    case OperationId::get_bucket_replication:
    case OperationId::get_bucket_lifecycle_configuration:
    case OperationId::get_bucket_encryption:
    case OperationId::get_object_lock_configuration:
    case OperationId::get_bucket_analytics_configuration:
    case OperationId::get_bucket_inventory_configuration:
    case OperationId::get_bucket_metrics_configuration:
    case OperationId::get_bucket_intelligent_tiering_configuration:
    case OperationId::delete_bucket_analytics_configuration:
    case OperationId::delete_bucket_inventory_configuration:
    case OperationId::delete_bucket_metrics_configuration:
    case OperationId::delete_bucket_intelligent_tiering_configuration: return 404;  // never set
    case OperationId::delete_bucket_tagging:
    case OperationId::delete_bucket_policy:
    case OperationId::delete_public_access_block:
    case OperationId::delete_bucket_ownership_controls:
    case OperationId::delete_bucket_website:
    case OperationId::delete_bucket_replication:
    case OperationId::delete_bucket_lifecycle:
    case OperationId::delete_bucket_encryption: return 204;
    case OperationId::put_bucket_tagging:
    case OperationId::put_bucket_policy:
    case OperationId::put_public_access_block:
    case OperationId::put_bucket_ownership_controls:
    case OperationId::put_bucket_acl:
    case OperationId::put_object_acl: return 400;  // no body
    default: return std::nullopt;
  }
}

}  // namespace millrace::tests
