// Look-ups in the table of error codes, and the one mapping of failures of the layers below.
// Stateless; any thread.
#include "s3/error.h"

#include <array>
#include <cerrno>
#include <cstddef>

#include "engine/check.h"
#include "s3/store/conditions.h"
#include "s3/store/rename.h"

namespace millrace::s3 {
namespace {

struct Row {
  std::string_view text;
  int status;
  std::string_view message;
};

constexpr std::array<Row, error_code_count> rows = {{
#define MILLRACE_S3_ROW(identifier, text, status, message) Row{text, status, message},
    MILLRACE_S3_ERROR_CODES(MILLRACE_S3_ROW)
#undef MILLRACE_S3_ROW
}};

const Row& row_of(ErrorCode code) {
  CHECK(static_cast<std::size_t>(code) < rows.size());
  return rows[static_cast<std::size_t>(code)];
}

ErrorCode code_of_errno(int number) {
  switch (number) {
    case ENOSPC: return ErrorCode::insufficient_storage;
    case EDQUOT: return ErrorCode::quota_exceeded;
    case EFBIG: return ErrorCode::entity_too_large;
    case ENOENT:
    case ENOTDIR: return ErrorCode::no_such_key;
    case store::errno_condition_failed: return ErrorCode::precondition_failed;
    case store::errno_token_reused: return ErrorCode::idempotency_parameter_mismatch;
    case store::errno_no_object: return ErrorCode::no_such_key;
    case ENAMETOOLONG: return ErrorCode::key_too_long;
    case EACCES:
    case EPERM: return ErrorCode::access_denied;
    // The filesystem is away, read-only or failing: another node may do better, so a 503.
    case EIO:
    case EROFS:
    case ESTALE:
    case ENODEV:
    case ENXIO:
    case ENOTCONN:
    case EBADFD:  // GlusterFS, of an open file after its servers were away
    case ESHUTDOWN:
    case EHOSTDOWN:
    case EUCLEAN:
    case ETIMEDOUT: return ErrorCode::service_unavailable;
    // This process lacks a resource for now.
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case EBUSY:
    case EDEADLK:
    case ENOLCK: return ErrorCode::slow_down;
    case EOPNOTSUPP:
    case ENOSYS: return ErrorCode::not_implemented;
    case ECONNRESET:
    case EPIPE: return ErrorCode::incomplete_body;
    default: return ErrorCode::internal_error;
  }
}

}  // namespace

ErrorCode code_of_text(std::string_view text) {
  for (int i = 0; i < error_code_count; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    if (code_text(code) == text) return code;
  }
  return ErrorCode::internal_error;
}

std::string_view code_text(ErrorCode code) {
  return row_of(code).text;
}
int http_status(ErrorCode code) {
  return row_of(code).status;
}
std::string_view default_message(ErrorCode code) {
  return row_of(code).message;
}
bool has_body(ErrorCode code) {
  return http_status(code) != 304;
}

ErrorCode error_code_of(engine::Error error) {
  switch (error.code) {
    case engine::Errc::system: return code_of_errno(error.sys);
    case engine::Errc::eof: return ErrorCode::incomplete_body;
    case engine::Errc::timed_out: return ErrorCode::request_timeout;
    case engine::Errc::cancelled:
    case engine::Errc::exhausted: return ErrorCode::slow_down;
    case engine::Errc::malformed: return ErrorCode::invalid_request;
    case engine::Errc::too_large: return ErrorCode::entity_too_large;
    case engine::Errc::unsupported: return ErrorCode::not_implemented;
    case engine::Errc::corrupt: return ErrorCode::internal_error;
  }
  return ErrorCode::internal_error;
}

}  // namespace millrace::s3
