// From an operation to its handler.
#include "s3/handlers/handlers.h"

#include "s3/service.h"

namespace millrace::s3 {

Handler handler_of(OperationId id) {
  switch (id) {
    case OperationId::list_buckets: return handlers::list_buckets;
    case OperationId::create_bucket: return handlers::create_bucket;
    case OperationId::head_bucket: return handlers::head_bucket;
    case OperationId::delete_bucket: return handlers::delete_bucket;
    case OperationId::get_bucket_location: return handlers::get_bucket_location;
    case OperationId::preflight: return handlers::preflight;
    case OperationId::get_bucket_cors: return handlers::get_bucket_cors;
    case OperationId::put_bucket_cors: return handlers::put_bucket_cors;
    case OperationId::delete_bucket_cors: return handlers::delete_bucket_cors;
    case OperationId::get_object: return handlers::get_object;
    case OperationId::head_object: return handlers::get_object;
    case OperationId::get_object_attributes: return handlers::get_object_attributes;
    case OperationId::put_object: return handlers::put_object;
    case OperationId::post_object: return handlers::post_object;
    case OperationId::copy_object: return handlers::copy_object;
    case OperationId::delete_object: return handlers::delete_object;
    case OperationId::delete_objects: return handlers::delete_objects;
    case OperationId::get_object_tagging: return handlers::get_object_tagging;
    case OperationId::put_object_tagging: return handlers::put_object_tagging;
    case OperationId::delete_object_tagging: return handlers::delete_object_tagging;
    case OperationId::rename_object: return handlers::rename_object;
    case OperationId::list_objects: return handlers::list_objects;
    case OperationId::list_objects_v2: return handlers::list_objects_v2;
    case OperationId::create_multipart_upload: return handlers::create_multipart_upload;
    case OperationId::upload_part: return handlers::upload_part;
    case OperationId::upload_part_copy: return handlers::upload_part_copy;
    case OperationId::complete_multipart_upload: return handlers::complete_multipart_upload;
    case OperationId::abort_multipart_upload: return handlers::abort_multipart_upload;
    case OperationId::list_parts: return handlers::list_parts;
    case OperationId::list_multipart_uploads: return handlers::list_multipart_uploads;
    case OperationId::get_bucket_tagging: return handlers::get_bucket_tagging;
    case OperationId::put_bucket_tagging: return handlers::put_bucket_tagging;
    case OperationId::delete_bucket_tagging: return handlers::delete_bucket_tagging;
    case OperationId::get_bucket_policy: return handlers::get_bucket_policy;
    case OperationId::put_bucket_policy: return handlers::put_bucket_policy;
    case OperationId::delete_bucket_policy: return handlers::delete_bucket_policy;
    case OperationId::get_bucket_policy_status: return handlers::get_bucket_policy_status;
    case OperationId::get_public_access_block: return handlers::get_public_access_block;
    case OperationId::put_public_access_block: return handlers::put_public_access_block;
    case OperationId::delete_public_access_block: return handlers::delete_public_access_block;
    case OperationId::get_bucket_acl: return handlers::get_bucket_acl;
    case OperationId::put_bucket_acl: return handlers::put_bucket_acl;
    case OperationId::get_object_acl: return handlers::get_object_acl;
    case OperationId::put_object_acl: return handlers::put_object_acl;
    case OperationId::get_bucket_ownership_controls: return handlers::get_ownership;
    case OperationId::put_bucket_ownership_controls: return handlers::put_ownership;
    case OperationId::delete_bucket_ownership_controls: return handlers::delete_ownership;
    default: return handlers::never_set(id) ? handlers::unset_setting : nullptr;
  }
}

}  // namespace millrace::s3
