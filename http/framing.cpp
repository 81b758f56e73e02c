// Host, Content-Length, Transfer-Encoding, Connection and Expect of one head.
#include "http/framing.h"

#include "http/grammar.h"
#include "http/request_line.h"

namespace millrace::http {
namespace {

std::unexpected<Reject> reject(int status, std::string_view reason) {
  return std::unexpected(Reject{status, reason});
}

// What the fields of interest said, before the rules that join them.
struct Seen {
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned encodings = 0;
  unsigned expectations = 0;
  bool close = false;
  bool keep_alive = false;
  std::string_view host;
  std::string_view length;
  std::string_view encoding;
  std::string_view expectation;
};

void read_connection(std::string_view value, Seen& seen) {
  std::string_view option;
  while (grammar::next_element(value, option)) {
    if (grammar::equal_ignoring_case(option, "close")) seen.close = true;
    if (grammar::equal_ignoring_case(option, "keep-alive")) seen.keep_alive = true;
  }
}

void read_field(const Field& field, Seen& seen) {
  switch (field.name.size()) {  // the length turns nearly every field away
    case 4:
      if (!field_name_equal(field.name, "host")) return;
      ++seen.hosts;
      seen.host = field.value;
      return;
    case 6:
      if (!field_name_equal(field.name, "expect")) return;
      ++seen.expectations;
      seen.expectation = field.value;
      return;
    case 10:
      if (field_name_equal(field.name, "connection")) read_connection(field.value, seen);
      return;
    case 14:
      if (!field_name_equal(field.name, "content-length")) return;
      ++seen.lengths;
      seen.length = field.value;
      return;
    case 17:
      if (!field_name_equal(field.name, "transfer-encoding")) return;
      ++seen.encodings;
      seen.encoding = field.value;
      return;
    default: return;
  }
}

std::expected<void, Reject> settle_body(const Seen& seen, Head& head) {
  if (seen.encodings > 0) {
    if (seen.lengths > 0) return reject(400, "Content-Length with Transfer-Encoding");
    if (head.version_minor == 0) return reject(400, "Transfer-Encoding in HTTP/1.0");
    if (seen.encodings > 1 || !grammar::equal_ignoring_case(seen.encoding, "chunked")) {
      return reject(501, "transfer coding other than chunked");
    }
    head.chunked = true;
    return {};
  }
  if (seen.lengths == 0) return {};
  if (seen.lengths > 1) return reject(400, "several Content-Length");
  head.content_length = parse_decimal(seen.length);
  if (!head.content_length) return reject(400, "malformed Content-Length");
  return {};
}

}  // namespace

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (char c : text) {
    if (!grammar::is_digit(c)) return std::nullopt;
    if (__builtin_mul_overflow(number, std::uint64_t{10}, &number) ||
        __builtin_add_overflow(number, static_cast<std::uint64_t>(c - '0'), &number)) {
      return std::nullopt;
    }
  }
  return number;
}

std::expected<bool, Reject> apply_framing(Head& head) {
  Seen seen;
  for (const Field& field : head.fields()) read_field(field, seen);

  head.chunked = false;
  head.content_length.reset();
  if (auto body = settle_body(seen, head); !body) return std::unexpected(body.error());

  if (seen.hosts > 1) return reject(400, "several Host fields");
  if (seen.hosts == 0 && head.version_minor == 1) return reject(400, "no Host field");
  if (!seen.host.empty() && !valid_authority(seen.host)) return reject(400, "malformed Host");
  head.host = seen.host;

  head.keep_alive = !seen.close && (head.version_minor == 1 || seen.keep_alive);
  head.expect_continue = false;
  if (seen.expectations > 0) {
    if (seen.expectations > 1 || !grammar::equal_ignoring_case(seen.expectation, "100-continue")) {
      return reject(417, "unknown expectation");
    }
    // A 1.0 client can't know of interim responses: RFC 9110 10.1.1 has them ignored.
    head.expect_continue = head.version_minor == 1;
  }
  return seen.hosts == 1;
}

}  // namespace millrace::http
