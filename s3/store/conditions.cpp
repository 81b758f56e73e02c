// See conditions.h.
#include "s3/store/conditions.h"

#include "http/conditions.h"

namespace millrace::s3::store {

using engine::Result;

Result<> check_conditions(const WriteConditions& conditions, const OpenObject& object) {
  if (conditions.must_not_exist) return engine::fail_errno(EEXIST);
  const bool holds =
      (conditions.if_match.empty() ||
       http::etag_list_matches(conditions.if_match, object.etag(), http::Comparison::strong)) &&
      (!conditions.modified_seconds || *conditions.modified_seconds == object.modified_seconds()) &&
      (!conditions.size_bytes || *conditions.size_bytes == object.file_size);
  if (!holds) return engine::fail_errno(errno_condition_failed);
  const bool changed = conditions.as_read != nullptr && !conditions.as_read->same_version(object);
  return changed ? engine::fail_errno(errno_object_changed) : Result<>{};
}

Result<> check_absent(const WriteConditions& conditions) {
  return conditions.must_exist() ? engine::fail_errno(errno_no_object) : Result<>{};
}

}  // namespace millrace::s3::store
