// The table of error codes and the mapping of failures below.
#include "s3/error.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <set>
#include <string>

using namespace millrace;
using s3::ErrorCode;

TEST_CASE("every error code has a unique text, a plausible status and a message") {
  std::set<std::string> texts;
  for (int i = 0; i < s3::error_code_count; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    CAPTURE(s3::code_text(code));
    CHECK(texts.insert(std::string(s3::code_text(code))).second);
    CHECK(s3::http_status(code) >= 300);
    CHECK(s3::http_status(code) < 600);
    CHECK_FALSE(s3::default_message(code).empty());
  }
}

TEST_CASE("statuses that clients act upon") {
  CHECK(s3::http_status(ErrorCode::no_such_key) == 404);
  CHECK(s3::http_status(ErrorCode::precondition_failed) == 412);
  CHECK(s3::http_status(ErrorCode::not_implemented) == 501);
  CHECK(s3::http_status(ErrorCode::slow_down) == 503);
  CHECK(s3::http_status(ErrorCode::insufficient_storage) == 507);
  CHECK(s3::http_status(ErrorCode::missing_content_length) == 411);
  CHECK(s3::code_text(ErrorCode::key_too_long) == "KeyTooLongError");
  CHECK_FALSE(s3::has_body(ErrorCode::not_modified));
  CHECK(s3::has_body(ErrorCode::invalid_range));
}

TEST_CASE("a detail replaces the default message") {
  CHECK(s3::S3Error{ErrorCode::access_denied, {}, {}, {}}.message() == "Access Denied");
  CHECK(s3::S3Error{ErrorCode::access_denied, "Request has expired", {}, {}}.message() ==
        "Request has expired");
}

TEST_CASE("failures below become the error that tells the client what to do") {
  const auto of_errno = [](int number) {
    return s3::error_code_of(engine::Error::from_errno(number));
  };
  CHECK(of_errno(ENOSPC) == ErrorCode::insufficient_storage);
  CHECK(of_errno(EDQUOT) == ErrorCode::quota_exceeded);
  CHECK(of_errno(EIO) == ErrorCode::service_unavailable);
  CHECK(of_errno(EROFS) == ErrorCode::service_unavailable);
  CHECK(of_errno(ESTALE) == ErrorCode::service_unavailable);
  CHECK(of_errno(EMFILE) == ErrorCode::slow_down);
  CHECK(of_errno(ENOMEM) == ErrorCode::slow_down);
  CHECK(of_errno(ENAMETOOLONG) == ErrorCode::key_too_long);
  CHECK(of_errno(ENOENT) == ErrorCode::no_such_key);
  CHECK(of_errno(EACCES) == ErrorCode::access_denied);
  CHECK(of_errno(EFBIG) == ErrorCode::entity_too_large);
  CHECK(of_errno(EBADF) == ErrorCode::internal_error);
  CHECK(s3::error_code_of({engine::Errc::eof, 0}) == ErrorCode::incomplete_body);
  CHECK(s3::error_code_of({engine::Errc::timed_out, 0}) == ErrorCode::request_timeout);
  CHECK(s3::error_code_of({engine::Errc::exhausted, 0}) == ErrorCode::slow_down);
  CHECK(s3::error_code_of({engine::Errc::corrupt, 0}) == ErrorCode::internal_error);
}
