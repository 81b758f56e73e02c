// Parts of a request that change what it means and are not built yet. They are refused, because
// ignoring them would acknowledge what wasn't done (an object stored unencrypted, unlocked or
// public). The table shrinks as they are built. Beside them, because it is looked at in the same
// pass: what a request takes for granted of the bucket's owner.
// Constant data and a pure function; any thread.
#pragma once

#include "http/head.h"
#include "s3/auth/percent.h"
#include "s3/error.h"
#include "s3/operations.h"

namespace millrace::s3 {

struct Served {
  std::string_view owner;         // of all buckets: what x-amz-expected-bucket-owner must be
  bool query_is_in_head = false;  // take_presigned_fields() was called
};

// Call after authentication, for an operation that is implemented. The error (NotImplemented, for
// a storage class InvalidStorageClass) names the header or parameter as its argument. AccessDenied
// where the buckets have another owner than the request expects, InvalidBucketOwnerAWSAccountID
// where that is neither the owner's id nor an account's.
Outcome<> check_unimplemented(const http::Head& head, const QueryParameters& query, OperationId id,
                              const Served& served = {});

}  // namespace millrace::s3
