// What tells whether an answer about an object is still true: ETag and Last-Modified, and the
// request's conditions on them (RFC 9110, section 13). Owned by the request.
#pragma once

#include "http/conditions.h"
#include "http/date.h"
#include "http/head.h"
#include "http/response_head.h"
#include "s3/store/object.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>

namespace millrace::s3::handlers {

struct Validators {
  std::array<char, http::http_date_bytes> modified_text;
  std::string_view modified;
  explicit Validators(const store::OpenObject& object)
      : modified(http::http_date(object.modified_seconds(), modified_text)) {}
  void write(http::HeadWriter& head, const store::OpenObject& object) const {
    std::ignore = head.field("Last-Modified", modified);
    std::ignore = head.etag(object.etag());
  }
};

// If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since of a read.
inline http::Verdict check_conditions(const http::Head& head, const store::OpenObject& object,
                                      std::int64_t now_seconds) {
  const http::Conditions conditions{.if_match = head.value("if-match"),
                                    .if_none_match = head.value("if-none-match"),
                                    .if_modified_since = head.value("if-modified-since"),
                                    .if_unmodified_since = head.value("if-unmodified-since")};
  if (!conditions.any()) return http::Verdict::proceed;
  return http::evaluate(
      conditions,
      {.exists = true, .etag = object.etag(), .modified_seconds = object.modified_seconds()}, true,
      now_seconds);
}

}  // namespace millrace::s3::handlers
