// The handlers of all operations that are built, one function each; the table that leads to them
// is in handlers.cpp. Adding an operation: its row in s3/operation_table.h, a function here, its
// line in handlers.cpp.
#pragma once

#include "s3/request.h"

namespace millrace::s3::handlers {

// list_buckets.cpp
engine::Task<Outcome<>> list_buckets(Request& request);
// buckets.cpp
engine::Task<Outcome<>> create_bucket(Request& request);
engine::Task<Outcome<>> head_bucket(Request& request);
engine::Task<Outcome<>> delete_bucket(Request& request);
engine::Task<Outcome<>> get_bucket_location(Request& request);
// bucket_tagging.cpp
engine::Task<Outcome<>> get_bucket_tagging(Request& request);
engine::Task<Outcome<>> put_bucket_tagging(Request& request);
engine::Task<Outcome<>> delete_bucket_tagging(Request& request);
// bucket_access.cpp
engine::Task<Outcome<>> get_bucket_policy(Request& request);
engine::Task<Outcome<>> put_bucket_policy(Request& request);
engine::Task<Outcome<>> delete_bucket_policy(Request& request);
engine::Task<Outcome<>> get_bucket_policy_status(Request& request);
engine::Task<Outcome<>> get_public_access_block(Request& request);
engine::Task<Outcome<>> put_public_access_block(Request& request);
engine::Task<Outcome<>> delete_public_access_block(Request& request);
// access_lists.cpp
engine::Task<Outcome<>> get_bucket_acl(Request& request);
engine::Task<Outcome<>> put_bucket_acl(Request& request);
engine::Task<Outcome<>> get_object_acl(Request& request);
engine::Task<Outcome<>> put_object_acl(Request& request);
engine::Task<Outcome<>> get_ownership(Request& request);
engine::Task<Outcome<>> put_ownership(Request& request);
engine::Task<Outcome<>> delete_ownership(Request& request);
// unset_settings.cpp: whether an operation is about a setting that no bucket can have, and all
// those
bool never_set(OperationId id);
engine::Task<Outcome<>> unset_setting(Request& request);
// cors.cpp
engine::Task<Outcome<>> preflight(Request& request);
engine::Task<Outcome<>> get_bucket_cors(Request& request);
engine::Task<Outcome<>> put_bucket_cors(Request& request);
engine::Task<Outcome<>> delete_bucket_cors(Request& request);
// get_object.cpp: GET and HEAD
engine::Task<Outcome<>> get_object(Request& request);
// get_object_attributes.cpp
engine::Task<Outcome<>> get_object_attributes(Request& request);
// put_object.cpp
engine::Task<Outcome<>> put_object(Request& request);
// post_object.cpp
engine::Task<Outcome<>> post_object(Request& request);
// copy_object.cpp
engine::Task<Outcome<>> copy_object(Request& request);
// delete_object.cpp, delete_objects.cpp
engine::Task<Outcome<>> delete_object(Request& request);
engine::Task<Outcome<>> delete_objects(Request& request);
// tagging.cpp
engine::Task<Outcome<>> get_object_tagging(Request& request);
engine::Task<Outcome<>> put_object_tagging(Request& request);
engine::Task<Outcome<>> delete_object_tagging(Request& request);
// rename_object.cpp
engine::Task<Outcome<>> rename_object(Request& request);
// list_objects.cpp: both versions
engine::Task<Outcome<>> list_objects(Request& request);
engine::Task<Outcome<>> list_objects_v2(Request& request);
// uploads.cpp, upload_part.cpp, upload_part_copy.cpp, list_uploads.cpp
engine::Task<Outcome<>> create_multipart_upload(Request& request);
engine::Task<Outcome<>> upload_part(Request& request);
engine::Task<Outcome<>> upload_part_copy(Request& request);
engine::Task<Outcome<>> complete_multipart_upload(Request& request);
engine::Task<Outcome<>> abort_multipart_upload(Request& request);
engine::Task<Outcome<>> list_parts(Request& request);
engine::Task<Outcome<>> list_multipart_uploads(Request& request);

}  // namespace millrace::s3::handlers
