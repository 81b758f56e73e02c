// The one table of S3 error codes: identifier, text on the wire, HTTP status, default message.
// Texts and statuses are those of AWS's "Error responses" page of the S3 API reference, except
// the last group, which AWS does not have. Constant data; shared by all threads.
#pragma once

// clang-format off
#define MILLRACE_S3_ERROR_CODES(X)                                                                                     \
  X(access_denied, "AccessDenied", 403, "Access Denied")                                                               \
  X(access_forbidden, "AccessForbidden", 403, "Access forbidden") \
  X(acl_not_supported, "AccessControlListNotSupported", 400, "The bucket does not allow ACLs")                         \
  X(authorization_header_malformed, "AuthorizationHeaderMalformed", 400, "The authorization header that you provided is not valid.") \
  X(authorization_query_parameters_error, "AuthorizationQueryParametersError", 400, "The authorization query parameters that you provided are not valid.") \
  X(bad_digest, "BadDigest", 400, "The Content-MD5 or checksum value that you specified did not match what the server received.") \
  X(bad_request, "BadRequest", 400, "Bad Request")                                                                     \
  X(bucket_already_exists, "BucketAlreadyExists", 409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.") \
  X(bucket_already_owned_by_you, "BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it.") \
  X(bucket_not_empty, "BucketNotEmpty", 409, "The bucket you tried to delete is not empty")                            \
  X(entity_too_large, "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")                  \
  X(entity_too_small, "EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size")          \
  X(idempotency_parameter_mismatch, "IdempotencyParameterMismatch", 400, "Parameters on this idempotent request are inconsistent with parameters used in previous request(s).") \
  X(illegal_location_constraint, "IllegalLocationConstraintException", 400, "The specified location-constraint is not valid for this endpoint.") \
  X(incorrect_number_of_files, "IncorrectNumberOfFilesInPostRequest", 400, "POST requires exactly one file upload per request.") \
  X(encryption_not_found, "ServerSideEncryptionConfigurationNotFoundError", 404, "The server side encryption configuration was not found") \
  X(incomplete_body, "IncompleteBody", 400, "You did not provide the number of bytes specified by the Content-Length HTTP header") \
  X(internal_error, "InternalError", 500, "We encountered an internal error. Please try again.")                       \
  X(invalid_access_key_id, "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.") \
  X(invalid_argument, "InvalidArgument", 400, "Invalid Argument")                                                      \
  X(invalid_bucket_acl, "InvalidBucketAclWithObjectOwnership", 400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting") \
  X(invalid_bucket_name, "InvalidBucketName", 400, "The specified bucket is not valid.")                               \
  X(invalid_bucket_owner, "InvalidBucketOwnerAWSAccountID", 400, "The value of the expected bucket owner parameter must be an AWS Account ID.") \
  X(invalid_chunk_size, "InvalidChunkSizeError", 400, "Only the last chunk is allowed to have a size less than 8192 bytes") \
  X(invalid_digest, "InvalidDigest", 400, "The Content-MD5 you specified was invalid.")                                \
  X(invalid_location_constraint, "InvalidLocationConstraint", 400, "The specified location-constraint is not valid")   \
  X(invalid_part, "InvalidPart", 400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.") \
  X(invalid_part_number, "InvalidPartNumber", 416, "The requested partnumber is not satisfiable")                      \
  X(invalid_part_order, "InvalidPartOrder", 400, "The list of parts was not in ascending order. Parts must be ordered by part number.") \
  X(invalid_policy_document, "InvalidPolicyDocument", 400, "The content of the form does not meet the conditions specified in the policy document.") \
  X(invalid_range, "InvalidRange", 416, "The requested range is not satisfiable")                                      \
  X(invalid_request, "InvalidRequest", 400, "Invalid Request")                                                         \
  X(invalid_storage_class, "InvalidStorageClass", 400, "The storage class you specified is not valid")                 \
  X(invalid_tag, "InvalidTag", 400, "The tag provided was not a valid tag.")                                           \
  X(invalid_token, "InvalidToken", 400, "The provided token is malformed or otherwise invalid.")                       \
  X(invalid_uri, "InvalidURI", 400, "Couldn't parse the specified URI.")                                               \
  X(invalid_write_offset, "InvalidWriteOffset", 400, "The write offset value that you specified does not match the current object size.") \
  X(key_too_long, "KeyTooLongError", 400, "Your key is too long")                                                      \
  X(malformed_post_request, "MalformedPOSTRequest", 400, "The body of your POST request is not well-formed multipart/form-data.") \
  X(malformed_policy, "MalformedPolicy", 400, "This policy contains invalid Json")                                     \
  X(malformed_trailer, "MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or did not conform to our published schema.") \
  X(malformed_xml, "MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema") \
  X(max_message_length_exceeded, "MaxMessageLengthExceeded", 400, "Your request was too big.")                         \
  X(max_post_pre_data_length_exceeded, "MaxPostPreDataLengthExceededError", 400, "Your POST request fields preceding the upload file were too large.") \
  X(metadata_too_large, "MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size")     \
  X(method_not_allowed, "MethodNotAllowed", 405, "The specified method is not allowed against this resource.")         \
  X(missing_content_length, "MissingContentLength", 411, "You must provide the Content-Length HTTP header.")           \
  X(missing_request_body, "MissingRequestBodyError", 400, "Request Body is empty")                                     \
  X(missing_security_header, "MissingSecurityHeader", 400, "Your request was missing a required header")               \
  X(no_such_bucket, "NoSuchBucket", 404, "The specified bucket does not exist")                                        \
  X(no_such_bucket_policy, "NoSuchBucketPolicy", 404, "The bucket policy does not exist")                              \
  X(no_such_configuration, "NoSuchConfiguration", 404, "The specified configuration does not exist.")                  \
  X(no_such_cors_configuration, "NoSuchCORSConfiguration", 404, "The CORS configuration does not exist") \
  X(no_such_key, "NoSuchKey", 404, "The specified key does not exist.")                                                \
  X(no_such_lifecycle, "NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist")              \
  X(no_such_public_access_block, "NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found") \
  X(no_such_tag_set, "NoSuchTagSet", 404, "The TagSet does not exist")                                                 \
  X(no_such_upload, "NoSuchUpload", 404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.") \
  X(no_such_version, "NoSuchVersion", 404, "The specified version does not exist.")                                    \
  X(no_such_website, "NoSuchWebsiteConfiguration", 404, "The specified bucket does not have a website configuration")  \
  X(not_implemented, "NotImplemented", 501, "A header you provided implies functionality that is not implemented")     \
  X(not_modified, "NotModified", 304, "Not Modified")                                                                  \
  X(object_lock_not_found, "ObjectLockConfigurationNotFoundError", 404, "Object Lock configuration does not exist for this bucket") \
  X(precondition_failed, "PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")   \
  X(replication_not_found, "ReplicationConfigurationNotFoundError", 404, "The replication configuration was not found") \
  X(request_header_too_large, "RequestHeaderSectionTooLarge", 400, "Your request header section exceeds the maximum allowed size.") \
  X(request_time_too_skewed, "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.") \
  X(request_timeout, "RequestTimeout", 400, "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.") \
  X(service_unavailable, "ServiceUnavailable", 503, "Service is unable to handle request.")                            \
  X(signature_does_not_match, "SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided. Check your key and signing method.") \
  X(slow_down, "SlowDown", 503, "Please reduce your request rate.")                                                    \
  X(too_many_buckets, "TooManyBuckets", 400, "You have attempted to create more buckets than allowed")                 \
  X(too_many_parts, "TooManyParts", 400, "You have attempted to add more parts than the maximum of 10000 that are allowed for this object. You can use the CopyObject operation to copy this object to another and then add more data to the newly copied object.") \
  X(unexpected_content, "UnexpectedContent", 400, "This request contains unsupported content.")                        \
  X(user_key_must_be_specified, "UserKeyMustBeSpecified", 400, "The bucket POST must contain the specified field name. If it is specified, check the order of the fields.") \
  X(x_amz_content_sha256_mismatch, "XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed.") \
  /* Not of AWS. 507 (RFC 4918 section 11.5) is what S3 servers on disks answer, and SDKs do not */                    \
  /* retry it as they do 500 and 503: a full disk does not empty within a backoff. */                                  \
  X(insufficient_storage, "InsufficientStorage", 507, "There is not enough storage space to complete the request.")    \
  X(quota_exceeded, "QuotaExceeded", 403, "Your request was denied because a storage quota is exceeded.")
// clang-format on
