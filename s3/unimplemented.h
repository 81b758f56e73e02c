// Parts of a request that change what it means and are not built yet. They are refused, because
// ignoring them would acknowledge what wasn't done (an object stored unencrypted, unlocked or
// public). The table shrinks as they are built. Constant data and a pure function; any thread.
#pragma once

#include "http/head.h"
#include "s3/auth/percent.h"
#include "s3/error.h"
#include "s3/operations.h"

namespace millrace::s3 {

// Call after authentication, for an operation that is implemented. The error (NotImplemented, for
// a storage class InvalidStorageClass) names the header or parameter as its argument.
Outcome<> check_unimplemented(const http::Head& head, const QueryParameters& query, OperationId id);

}  // namespace millrace::s3
