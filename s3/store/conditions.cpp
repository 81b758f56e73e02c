// See conditions.h.
#include "s3/store/conditions.h"

#include "http/conditions.h"

namespace millrace::s3::store {

using engine::Result;

Result<> check_conditions(const WriteConditions& conditions, const OpenObject& object) {
  if (conditions.must_not_exist) return engine::fail_errno(EEXIST);
  const bool holds =
      (!conditions.must_exist() ||
       http::etag_list_matches(conditions.if_match, object.etag(), http::Comparison::strong)) &&
      (!conditions.modified_seconds || *conditions.modified_seconds == object.modified_seconds()) &&
      (!conditions.size_bytes || *conditions.size_bytes == object.file_size);
  return holds ? Result<>{} : engine::fail_errno(errno_condition_failed);
}

Result<> check_absent(const WriteConditions& conditions) {
  return conditions.must_exist() ? engine::fail_errno(errno_no_object) : Result<>{};
}

}  // namespace millrace::s3::store
