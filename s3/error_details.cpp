// See error_details.h.
#include "s3/error_details.h"

#include "s3/limits.h"
#include "s3/query.h"

namespace millrace::s3 {

namespace {

class Details {
 public:
  explicit Details(Request& request) : request_(request) {}
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) request_.error_details.push_back({name, std::string(value)});
  }
  void number(std::string_view name, std::uint64_t value) { text(name, std::to_string(value)); }

 private:
  Request& request_;
};

// Which condition did not hold, where the request has just one that can fail with 412.
void add_condition(const http::Head& head, Details& details) {
  constexpr std::pair<std::string_view, std::string_view> conditions[] = {
      {"if-match", "If-Match"},
      {"if-unmodified-since", "If-Unmodified-Since"},
      {"if-none-match", "If-None-Match"},
      {"x-amz-copy-source-if-match", "x-amz-copy-source-If-Match"},
      {"x-amz-copy-source-if-none-match", "x-amz-copy-source-If-None-Match"},
      {"x-amz-copy-source-if-modified-since", "x-amz-copy-source-If-Modified-Since"},
      {"x-amz-copy-source-if-unmodified-since", "x-amz-copy-source-If-Unmodified-Since"}};
  const bool read = head.method == http::Method::get;
  std::string_view failed;
  for (const auto& [name, shown] : conditions) {
    if (head.find(name) == nullptr) continue;
    // Of a read these are answered with 304, or are not looked at behind If-Match.
    if (read && (name == "if-none-match" || !failed.empty())) continue;
    if (!failed.empty()) return;
    failed = shown;
  }
  details.text("Condition", failed);
}

// A form's handler knows better: its file has come, and its limits are those of its policy.
void add_entity_size(const Request& request, Details& details) {
  if (!request.error_details.empty()) return;
  const http::Head& head = request.head();
  std::uint64_t proposed = head.content_length.value_or(0);
  if (const auto* field = head.find("x-amz-decoded-content-length"); field != nullptr) {
    proposed = parse_decimal(field->value, ~0ULL).value_or(proposed);
  }
  if (proposed <= limits::put_bytes_max) return;
  details.number("ProposedSize", proposed);
  details.number("MaxSizeAllowed", limits::put_bytes_max);
}

void add_range(const Request& request, Details& details) {
  details.text("RangeRequested", request.head().value("range"));
  // Of "bytes */SIZE".
  const std::string_view unsatisfied = request.error_header_value;
  const auto slash = unsatisfied.find('/');
  if (slash != std::string_view::npos)
    details.text("ActualObjectSize", unsatisfied.substr(slash + 1));
}

void add_key_size(const Request& request, Details& details) {
  std::uint64_t bytes = 0;
  for (DecodedBytes key(request.address.raw_key, UriPart::path); key.next() >= 0;) ++bytes;
  details.number("Size", bytes);
  details.number("MaxSizeAllowed", store::key_bytes_max);
}

std::string_view resource_type(const Request& request) {
  switch (request.address.scope) {
    case Scope::object: return "OBJECT";
    case Scope::bucket: return "BUCKET";
    case Scope::service: break;
  }
  return "SERVICE";
}

void add_metadata_size(const http::Head& head, Details& details) {
  constexpr std::string_view prefix = "x-amz-meta-";
  std::uint64_t bytes = 0;
  for (const http::Field& field : head.fields()) {
    if (!http::field_name_equal(field.name.substr(0, prefix.size()), prefix)) continue;
    bytes += field.name.size() - prefix.size() + field.value.size();
  }
  if (bytes > limits::user_metadata_bytes_max) details.number("Size", bytes);
  details.number("MaxSizeAllowed", limits::user_metadata_bytes_max);
}

}  // namespace

void add_error_details(Request& request, const S3Error& error) {
  Details details(request);
  const http::Head& head = request.head();
  switch (error.code) {
    case ErrorCode::precondition_failed: return add_condition(head, details);
    case ErrorCode::entity_too_large: return add_entity_size(request, details);
    case ErrorCode::invalid_range: return add_range(request, details);
    case ErrorCode::key_too_long: return add_key_size(request, details);
    case ErrorCode::metadata_too_large: return add_metadata_size(head, details);
    case ErrorCode::invalid_digest: return details.text("Content-MD5", head.value("content-md5"));
    case ErrorCode::missing_security_header: return details.text("MissingHeaderName", "x-amz-acl");
    case ErrorCode::max_message_length_exceeded:
      return details.number("MaxMessageLengthBytes", limits::xml_body_bytes_max);
    case ErrorCode::method_not_allowed:
      details.text("Method", head.method_text);
      return details.text("ResourceType", resource_type(request));
    case ErrorCode::access_forbidden:  // a preflight's: of the request that it announces
      details.text("Method", head.value("access-control-request-method"));
      return details.text("ResourceType", resource_type(request));
    case ErrorCode::no_such_upload:
    case ErrorCode::invalid_part_order:
    case ErrorCode::invalid_part: {
      const auto id = request.query.find("uploadId");
      return details.text("UploadId", id ? id->value : std::string_view());
    }
    default: return;
  }
}

}  // namespace millrace::s3
