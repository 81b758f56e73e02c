// S3Error is a value: an error code, and where AWS tells more than the default message, that.
// Its views point to constants or into the request's head, which outlives the answer.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "engine/error.h"
#include "s3/error_codes.h"

namespace millrace::s3 {

enum class ErrorCode : std::uint8_t {
#define MILLRACE_S3_ENUMERATOR(identifier, text, status, message) identifier,
  MILLRACE_S3_ERROR_CODES(MILLRACE_S3_ENUMERATOR)
#undef MILLRACE_S3_ENUMERATOR
};

inline constexpr int error_code_count = 0
#define MILLRACE_S3_COUNT(identifier, text, status, message) +1
    MILLRACE_S3_ERROR_CODES(MILLRACE_S3_COUNT)
#undef MILLRACE_S3_COUNT
    ;

// The text of <Code>.
std::string_view code_text(ErrorCode code);
// The code of such a text; internal_error for one that is not in the table.
ErrorCode code_of_text(std::string_view text);
int http_status(ErrorCode code);
std::string_view default_message(ErrorCode code);
// False for answers that must have no body (304); answers to HEAD are the caller's to know.
bool has_body(ErrorCode code);

struct S3Error {
  ErrorCode code = ErrorCode::internal_error;
  std::string_view detail;          // replaces the default message unless empty
  std::string_view argument_name;   // <ArgumentName>, written unless empty
  std::string_view argument_value;  // <ArgumentValue>, as received

  std::string_view message() const { return detail.empty() ? default_message(code) : detail; }
};

template <class T = void>
using Outcome = std::expected<T, S3Error>;

constexpr std::unexpected<S3Error> refuse(ErrorCode code, std::string_view detail = {}) {
  return std::unexpected(S3Error{code, detail, {}, {}});
}
// InvalidArgument, naming the argument as AWS does.
constexpr std::unexpected<S3Error> refuse_argument(std::string_view detail, std::string_view name,
                                                   std::string_view value) {
  return std::unexpected(S3Error{ErrorCode::invalid_argument, detail, name, value});
}

// What a failure below means to a client when the caller knows no better. ENOENT is no_such_key:
// who looked for a bucket or an upload says so himself.
ErrorCode error_code_of(engine::Error error);

}  // namespace millrace::s3
