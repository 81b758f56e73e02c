// The one table of the operations of S3: every operation of the S3 API (model of 2006-03-01) and
// the two of browsers (form upload, CORS preflight). Adding an operation is one row and its
// handler; permission and routing are columns. Constant data; shared by all threads. Left out are
// four deprecated names of operations listed here (Get/PutBucketLifecycle,
// Get/PutBucketNotification).
#pragma once

// X(identifier, name, method, scope, selector, variant, permission, version_permission, state)
//   selector            the query parameter that names the sub-resource, or ""
//   variant             what else tells operations with one method, scope and selector apart
//   permission          the IAM action checked on the bucket or the object
//   version_permission  the action instead of it when a version is named, or ""
//   state               built or planned; a planned one answers 501 under its own name
// clang-format off
#define MILLRACE_S3_OPERATIONS(X) \
  X(list_buckets, "ListBuckets", get, service, "", plain, "s3:ListAllMyBuckets", "", built) \
  X(list_directory_buckets, "ListDirectoryBuckets", get, service, "max-directory-buckets", plain, "s3express:ListAllMyDirectoryBuckets", "", planned) \
  X(list_objects, "ListObjects", get, bucket, "", plain, "s3:ListBucket", "", built) \
  X(list_objects_v2, "ListObjectsV2", get, bucket, "", list_type_2, "s3:ListBucket", "", built) \
  X(list_object_versions, "ListObjectVersions", get, bucket, "versions", plain, "s3:ListBucketVersions", "", planned) \
  X(list_multipart_uploads, "ListMultipartUploads", get, bucket, "uploads", plain, "s3:ListBucketMultipartUploads", "", built) \
  X(get_bucket_location, "GetBucketLocation", get, bucket, "location", plain, "s3:GetBucketLocation", "", built) \
  X(create_session, "CreateSession", get, bucket, "session", plain, "s3express:CreateSession", "", planned) \
  X(head_bucket, "HeadBucket", head, bucket, "", plain, "s3:ListBucket", "", built) \
  X(create_bucket, "CreateBucket", put, bucket, "", plain, "s3:CreateBucket", "", built) \
  X(delete_bucket, "DeleteBucket", delete_, bucket, "", plain, "s3:DeleteBucket", "", built) \
  X(delete_objects, "DeleteObjects", post, bucket, "delete", plain, "s3:DeleteObject", "s3:DeleteObjectVersion", built) \
  X(post_object, "PostObject", post, bucket, "", plain, "s3:PutObject", "", built) \
  X(write_get_object_response, "WriteGetObjectResponse", post, bucket, "", object_lambda_route, "s3-object-lambda:WriteGetObjectResponse", "", planned) \
  X(get_bucket_abac, "GetBucketAbac", get, bucket, "abac", plain, "s3:GetBucketAbac", "", planned) \
  X(put_bucket_abac, "PutBucketAbac", put, bucket, "abac", plain, "s3:PutBucketAbac", "", planned) \
  X(get_bucket_accelerate_configuration, "GetBucketAccelerateConfiguration", get, bucket, "accelerate", plain, "s3:GetAccelerateConfiguration", "", built) \
  X(put_bucket_accelerate_configuration, "PutBucketAccelerateConfiguration", put, bucket, "accelerate", plain, "s3:PutAccelerateConfiguration", "", planned) \
  X(get_bucket_acl, "GetBucketAcl", get, bucket, "acl", plain, "s3:GetBucketAcl", "", built) \
  X(put_bucket_acl, "PutBucketAcl", put, bucket, "acl", plain, "s3:PutBucketAcl", "", built) \
  X(get_bucket_analytics_configuration, "GetBucketAnalyticsConfiguration", get, bucket, "analytics", with_id, "s3:GetAnalyticsConfiguration", "", built) \
  X(list_bucket_analytics_configurations, "ListBucketAnalyticsConfigurations", get, bucket, "analytics", plain, "s3:GetAnalyticsConfiguration", "", built) \
  X(put_bucket_analytics_configuration, "PutBucketAnalyticsConfiguration", put, bucket, "analytics", plain, "s3:PutAnalyticsConfiguration", "", planned) \
  X(delete_bucket_analytics_configuration, "DeleteBucketAnalyticsConfiguration", delete_, bucket, "analytics", plain, "s3:PutAnalyticsConfiguration", "", built) \
  X(get_bucket_intelligent_tiering_configuration, "GetBucketIntelligentTieringConfiguration", get, bucket, "intelligent-tiering", with_id, "s3:GetIntelligentTieringConfiguration", "", built) \
  X(list_bucket_intelligent_tiering_configurations, "ListBucketIntelligentTieringConfigurations", get, bucket, "intelligent-tiering", plain, "s3:GetIntelligentTieringConfiguration", "", built) \
  X(put_bucket_intelligent_tiering_configuration, "PutBucketIntelligentTieringConfiguration", put, bucket, "intelligent-tiering", plain, "s3:PutIntelligentTieringConfiguration", "", planned) \
  X(delete_bucket_intelligent_tiering_configuration, "DeleteBucketIntelligentTieringConfiguration", delete_, bucket, "intelligent-tiering", plain, "s3:PutIntelligentTieringConfiguration", "", built) \
  X(get_bucket_inventory_configuration, "GetBucketInventoryConfiguration", get, bucket, "inventory", with_id, "s3:GetInventoryConfiguration", "", built) \
  X(list_bucket_inventory_configurations, "ListBucketInventoryConfigurations", get, bucket, "inventory", plain, "s3:GetInventoryConfiguration", "", built) \
  X(put_bucket_inventory_configuration, "PutBucketInventoryConfiguration", put, bucket, "inventory", plain, "s3:PutInventoryConfiguration", "", planned) \
  X(delete_bucket_inventory_configuration, "DeleteBucketInventoryConfiguration", delete_, bucket, "inventory", plain, "s3:PutInventoryConfiguration", "", built) \
  X(get_bucket_metrics_configuration, "GetBucketMetricsConfiguration", get, bucket, "metrics", with_id, "s3:GetMetricsConfiguration", "", built) \
  X(list_bucket_metrics_configurations, "ListBucketMetricsConfigurations", get, bucket, "metrics", plain, "s3:GetMetricsConfiguration", "", built) \
  X(put_bucket_metrics_configuration, "PutBucketMetricsConfiguration", put, bucket, "metrics", plain, "s3:PutMetricsConfiguration", "", planned) \
  X(delete_bucket_metrics_configuration, "DeleteBucketMetricsConfiguration", delete_, bucket, "metrics", plain, "s3:PutMetricsConfiguration", "", built) \
  X(get_bucket_cors, "GetBucketCors", get, bucket, "cors", plain, "s3:GetBucketCORS", "", built) \
  X(put_bucket_cors, "PutBucketCors", put, bucket, "cors", plain, "s3:PutBucketCORS", "", built) \
  X(delete_bucket_cors, "DeleteBucketCors", delete_, bucket, "cors", plain, "s3:PutBucketCORS", "", built) \
  X(get_bucket_encryption, "GetBucketEncryption", get, bucket, "encryption", plain, "s3:GetEncryptionConfiguration", "", built) \
  X(put_bucket_encryption, "PutBucketEncryption", put, bucket, "encryption", plain, "s3:PutEncryptionConfiguration", "", planned) \
  X(delete_bucket_encryption, "DeleteBucketEncryption", delete_, bucket, "encryption", plain, "s3:PutEncryptionConfiguration", "", built) \
  X(get_bucket_lifecycle_configuration, "GetBucketLifecycleConfiguration", get, bucket, "lifecycle", plain, "s3:GetLifecycleConfiguration", "", built) \
  X(put_bucket_lifecycle_configuration, "PutBucketLifecycleConfiguration", put, bucket, "lifecycle", plain, "s3:PutLifecycleConfiguration", "", planned) \
  X(delete_bucket_lifecycle, "DeleteBucketLifecycle", delete_, bucket, "lifecycle", plain, "s3:PutLifecycleConfiguration", "", built) \
  X(get_bucket_logging, "GetBucketLogging", get, bucket, "logging", plain, "s3:GetBucketLogging", "", built) \
  X(put_bucket_logging, "PutBucketLogging", put, bucket, "logging", plain, "s3:PutBucketLogging", "", planned) \
  X(create_bucket_metadata_configuration, "CreateBucketMetadataConfiguration", post, bucket, "metadataConfiguration", plain, "s3:CreateBucketMetadataTableConfiguration", "", planned) \
  X(get_bucket_metadata_configuration, "GetBucketMetadataConfiguration", get, bucket, "metadataConfiguration", plain, "s3:GetBucketMetadataTableConfiguration", "", planned) \
  X(delete_bucket_metadata_configuration, "DeleteBucketMetadataConfiguration", delete_, bucket, "metadataConfiguration", plain, "s3:DeleteBucketMetadataTableConfiguration", "", planned) \
  X(create_bucket_metadata_table_configuration, "CreateBucketMetadataTableConfiguration", post, bucket, "metadataTable", plain, "s3:CreateBucketMetadataTableConfiguration", "", planned) \
  X(get_bucket_metadata_table_configuration, "GetBucketMetadataTableConfiguration", get, bucket, "metadataTable", plain, "s3:GetBucketMetadataTableConfiguration", "", planned) \
  X(delete_bucket_metadata_table_configuration, "DeleteBucketMetadataTableConfiguration", delete_, bucket, "metadataTable", plain, "s3:DeleteBucketMetadataTableConfiguration", "", planned) \
  X(update_bucket_metadata_inventory_table_configuration, "UpdateBucketMetadataInventoryTableConfiguration", put, bucket, "metadataInventoryTable", plain, "s3:UpdateBucketMetadataInventoryTableConfiguration", "", planned) \
  X(update_bucket_metadata_journal_table_configuration, "UpdateBucketMetadataJournalTableConfiguration", put, bucket, "metadataJournalTable", plain, "s3:UpdateBucketMetadataJournalTableConfiguration", "", planned) \
  X(get_bucket_notification_configuration, "GetBucketNotificationConfiguration", get, bucket, "notification", plain, "s3:GetBucketNotification", "", built) \
  X(put_bucket_notification_configuration, "PutBucketNotificationConfiguration", put, bucket, "notification", plain, "s3:PutBucketNotification", "", planned) \
  X(get_object_lock_configuration, "GetObjectLockConfiguration", get, bucket, "object-lock", plain, "s3:GetBucketObjectLockConfiguration", "", built) \
  X(put_object_lock_configuration, "PutObjectLockConfiguration", put, bucket, "object-lock", plain, "s3:PutBucketObjectLockConfiguration", "", planned) \
  X(get_bucket_ownership_controls, "GetBucketOwnershipControls", get, bucket, "ownershipControls", plain, "s3:GetBucketOwnershipControls", "", built) \
  X(put_bucket_ownership_controls, "PutBucketOwnershipControls", put, bucket, "ownershipControls", plain, "s3:PutBucketOwnershipControls", "", built) \
  X(delete_bucket_ownership_controls, "DeleteBucketOwnershipControls", delete_, bucket, "ownershipControls", plain, "s3:PutBucketOwnershipControls", "", built) \
  X(get_bucket_policy, "GetBucketPolicy", get, bucket, "policy", plain, "s3:GetBucketPolicy", "", built) \
  X(put_bucket_policy, "PutBucketPolicy", put, bucket, "policy", plain, "s3:PutBucketPolicy", "", built) \
  X(delete_bucket_policy, "DeleteBucketPolicy", delete_, bucket, "policy", plain, "s3:DeleteBucketPolicy", "", built) \
  X(get_bucket_policy_status, "GetBucketPolicyStatus", get, bucket, "policyStatus", plain, "s3:GetBucketPolicyStatus", "", built) \
  X(get_public_access_block, "GetPublicAccessBlock", get, bucket, "publicAccessBlock", plain, "s3:GetBucketPublicAccessBlock", "", built) \
  X(put_public_access_block, "PutPublicAccessBlock", put, bucket, "publicAccessBlock", plain, "s3:PutBucketPublicAccessBlock", "", built) \
  X(delete_public_access_block, "DeletePublicAccessBlock", delete_, bucket, "publicAccessBlock", plain, "s3:PutBucketPublicAccessBlock", "", built) \
  X(get_bucket_replication, "GetBucketReplication", get, bucket, "replication", plain, "s3:GetReplicationConfiguration", "", built) \
  X(put_bucket_replication, "PutBucketReplication", put, bucket, "replication", plain, "s3:PutReplicationConfiguration", "", planned) \
  X(delete_bucket_replication, "DeleteBucketReplication", delete_, bucket, "replication", plain, "s3:PutReplicationConfiguration", "", built) \
  X(get_bucket_request_payment, "GetBucketRequestPayment", get, bucket, "requestPayment", plain, "s3:GetBucketRequestPayment", "", built) \
  X(put_bucket_request_payment, "PutBucketRequestPayment", put, bucket, "requestPayment", plain, "s3:PutBucketRequestPayment", "", planned) \
  X(get_bucket_tagging, "GetBucketTagging", get, bucket, "tagging", plain, "s3:GetBucketTagging", "", built) \
  X(put_bucket_tagging, "PutBucketTagging", put, bucket, "tagging", plain, "s3:PutBucketTagging", "", built) \
  X(delete_bucket_tagging, "DeleteBucketTagging", delete_, bucket, "tagging", plain, "s3:PutBucketTagging", "", built) \
  X(get_bucket_versioning, "GetBucketVersioning", get, bucket, "versioning", plain, "s3:GetBucketVersioning", "", built) \
  X(put_bucket_versioning, "PutBucketVersioning", put, bucket, "versioning", plain, "s3:PutBucketVersioning", "", planned) \
  X(get_bucket_website, "GetBucketWebsite", get, bucket, "website", plain, "s3:GetBucketWebsite", "", built) \
  X(put_bucket_website, "PutBucketWebsite", put, bucket, "website", plain, "s3:PutBucketWebsite", "", planned) \
  X(delete_bucket_website, "DeleteBucketWebsite", delete_, bucket, "website", plain, "s3:DeleteBucketWebsite", "", built) \
  X(get_object, "GetObject", get, object, "", plain, "s3:GetObject", "s3:GetObjectVersion", built) \
  X(head_object, "HeadObject", head, object, "", plain, "s3:GetObject", "s3:GetObjectVersion", built) \
  X(put_object, "PutObject", put, object, "", plain, "s3:PutObject", "", built) \
  X(copy_object, "CopyObject", put, object, "", copy_source, "s3:PutObject", "", built) \
  X(delete_object, "DeleteObject", delete_, object, "", plain, "s3:DeleteObject", "s3:DeleteObjectVersion", built) \
  X(create_multipart_upload, "CreateMultipartUpload", post, object, "uploads", plain, "s3:PutObject", "", built) \
  X(upload_part, "UploadPart", put, object, "uploadId", with_part_number, "s3:PutObject", "", built) \
  X(upload_part_copy, "UploadPartCopy", put, object, "uploadId", part_copy_source, "s3:PutObject", "", built) \
  X(complete_multipart_upload, "CompleteMultipartUpload", post, object, "uploadId", plain, "s3:PutObject", "", built) \
  X(abort_multipart_upload, "AbortMultipartUpload", delete_, object, "uploadId", plain, "s3:AbortMultipartUpload", "", built) \
  X(list_parts, "ListParts", get, object, "uploadId", plain, "s3:ListMultipartUploadParts", "", built) \
  X(get_object_acl, "GetObjectAcl", get, object, "acl", plain, "s3:GetObjectAcl", "s3:GetObjectVersionAcl", built) \
  X(put_object_acl, "PutObjectAcl", put, object, "acl", plain, "s3:PutObjectAcl", "s3:PutObjectVersionAcl", built) \
  X(get_object_attributes, "GetObjectAttributes", get, object, "attributes", plain, "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", built) \
  X(update_object_encryption, "UpdateObjectEncryption", put, object, "encryption", plain, "s3:UpdateObjectEncryption", "", planned) \
  X(get_object_legal_hold, "GetObjectLegalHold", get, object, "legal-hold", plain, "s3:GetObjectLegalHold", "", planned) \
  X(put_object_legal_hold, "PutObjectLegalHold", put, object, "legal-hold", plain, "s3:PutObjectLegalHold", "", planned) \
  X(rename_object, "RenameObject", put, object, "renameObject", plain, "s3express:CreateSession", "", built) \
  X(restore_object, "RestoreObject", post, object, "restore", plain, "s3:RestoreObject", "", planned) \
  X(get_object_retention, "GetObjectRetention", get, object, "retention", plain, "s3:GetObjectRetention", "", planned) \
  X(put_object_retention, "PutObjectRetention", put, object, "retention", plain, "s3:PutObjectRetention", "", planned) \
  X(select_object_content, "SelectObjectContent", post, object, "select", plain, "s3:GetObject", "", planned) \
  X(get_object_tagging, "GetObjectTagging", get, object, "tagging", plain, "s3:GetObjectTagging", "s3:GetObjectVersionTagging", built) \
  X(put_object_tagging, "PutObjectTagging", put, object, "tagging", plain, "s3:PutObjectTagging", "s3:PutObjectVersionTagging", built) \
  X(delete_object_tagging, "DeleteObjectTagging", delete_, object, "tagging", plain, "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging", built) \
  X(get_object_torrent, "GetObjectTorrent", get, object, "torrent", plain, "s3:GetObjectTorrent", "s3:GetObjectVersionTorrent", planned) \
  X(preflight, "PreflightRequest", options, service, "", plain, "", "", built)
// clang-format on
