// One S3 request: its context, from the listener to the log. Made by the service, passed to the
// operation's handler; lives in the service's coroutine.
#pragma once

#include "http/exchange.h"
#include "s3/address.h"
#include "s3/auth/percent.h"
#include "s3/auth/sigv4.h"
#include "s3/cors.h"
#include "s3/error.h"
#include "s3/operations.h"
#include "s3/store/asker.h"
#include "s3/store/key.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3 {

class Service;

using RequestId = std::array<char, 16>;

struct Request {
  Request(Service& service_in, http::Exchange& exchange_in)
      : service(service_in), exchange(exchange_in), query(exchange_in.head().query) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  Service& service;
  http::Exchange& exchange;
  QueryParameters query;

  RequestId id{};
  std::string_view tenant = "default";
  BucketBuffer bucket_buffer{};
  Address address;
  std::optional<OperationId> operation;
  Identity identity;
  std::optional<store::Key> key;  // decoded once, for authorisation and storage alike
  // Since when this request knows a bucket's policy (monotonic); 0: it has not looked.
  std::uint64_t policy_read_ns = 0;
  ErrorCode error{};  // of an answer that is one
  bool failed = false;

  const http::Head& head() const { return exchange.head(); }
  std::string_view bucket() const { return address.bucket; }
  store::Asker asker() {
    return {.has_gone = [](void* of) { return static_cast<http::Exchange*>(of)->asker_gone(); },
            .context = &exchange};
  }
  // Who sent it, by name.
  std::string_view sender() const {
    return identity.anonymous() ? std::string_view("anonymous") : identity.principal->name;
  }
  std::string_view id_text() const { return {id.data(), id.size()}; }

  // What the answer says to a page of another origin; only where the request has one.
  CorsAnswer cors;

  // What fields of the head point into that came with a presigned query (presigned_fields.h).
  std::vector<char> presigned_text;
  // Of a form: its fields, as the headers that they stand for. The form's handler owns it.
  const http::Head* form_head = nullptr;

  // What a handler decodes: an error's argument may point into it, so it outlives the handler.
  std::vector<char> decoded;
  // Texts of an error answer that no constant says.
  std::string error_text;
  // Further headers of an error answer (Allow, Content-Range, x-amz-bucket-region).
  std::string_view error_header_name;
  std::string error_header_value;

  // Further elements of an error document: sizes, parts and names that were refused.
  struct ErrorDetail {
    std::string_view name;  // a constant
    std::string value;
  };
  std::vector<ErrorDetail> error_details;

  // Starts an answer with what every answer of S3 carries.
  http::HeadWriter& begin(int status);
};

// What an operation does once the request was authenticated and authorised. An error before the
// answer has begun becomes the error document; after it, the connection closes.
using Handler = engine::Task<Outcome<>> (*)(Request& request);

}  // namespace millrace::s3
