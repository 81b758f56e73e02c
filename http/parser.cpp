// Heads through llhttp; the only file that includes it.
// Written for llhttp 8.1 (compiled with LLHTTP_STRICT_MODE=1) and 9.x. No lenient switch is
// ever set. Those releases differ in what they let through, so llhttp's answer is checked:
// its fields must cover the bytes of the head line by line, with nothing skipped.
#include "http/parser.h"

#include "http/framing.h"
#include "http/grammar.h"
#include "http/request_line.h"

#include <llhttp.h>

namespace millrace::http {
namespace {

#if LLHTTP_VERSION_MAJOR < 9
static_assert(LLHTTP_STRICT_MODE == 1, "llhttp's loose mode lets smuggled requests through");
#endif

std::unexpected<Reject> reject(int status, std::string_view reason) {
  return std::unexpected(Reject{status, reason});
}

// What the callbacks fill. Spans may come in pieces; pieces of one text must touch.
struct Collector {
  Head* head = nullptr;
  std::string_view name;
  std::string_view value;
  bool in_value = false;
  bool complete = false;
  bool too_many = false;
};

Collector& collector_of(llhttp_t* parser) {
  return *static_cast<Collector*>(parser->data);
}

bool append(std::string_view& text, const char* at, std::size_t length) {
  if (text.empty()) {
    text = {at, length};
    return true;
  }
  if (text.data() + text.size() != at) return false;
  text = {text.data(), text.size() + length};
  return true;
}

int flush(Collector& collector) {
  if (collector.name.empty()) return 0;
  Head& head = *collector.head;
  if (head.field_count == head.field_slots.size()) {
    collector.too_many = true;
    return -1;
  }
  head.field_slots[head.field_count++] = {collector.name, grammar::trim(collector.value)};
  collector.name = {};
  collector.value = {};
  collector.in_value = false;
  return 0;
}

int on_name(llhttp_t* parser, const char* at, std::size_t length) {
  Collector& collector = collector_of(parser);
  if (collector.in_value && flush(collector) != 0) return -1;
  return append(collector.name, at, length) ? 0 : -1;
}

int on_value(llhttp_t* parser, const char* at, std::size_t length) {
  Collector& collector = collector_of(parser);
  collector.in_value = true;
  return append(collector.value, at, length) ? 0 : -1;
}

int on_complete(llhttp_t* parser) {
  Collector& collector = collector_of(parser);
  if (flush(collector) != 0) return -1;
  collector.complete = true;
  return HPE_PAUSED;  // the body is not llhttp's
}

constexpr llhttp_settings_t make_settings() {
  llhttp_settings_t settings{};
  settings.on_header_field = on_name;
  settings.on_header_value = on_value;
  settings.on_headers_complete = on_complete;
  return settings;
}
constexpr llhttp_settings_t settings = make_settings();

Reject refusal(llhttp_errno_t error, const Collector& collector) {
  if (collector.too_many) return {431, "too many fields"};
  switch (error) {
    case HPE_INVALID_METHOD: return {501, "unknown method"};
    case HPE_INVALID_TRANSFER_ENCODING:
      // What 9.x also calls a Transfer-Encoding that follows a Content-Length.
      if (collector.head->find("content-length") != nullptr) {
        return {400, "Content-Length with Transfer-Encoding"};
      }
      return {501, "transfer coding other than chunked"};
    case HPE_INVALID_CONTENT_LENGTH: return {400, "malformed Content-Length"};
    case HPE_UNEXPECTED_CONTENT_LENGTH: return {400, "conflicting Content-Length"};
    case HPE_INVALID_HEADER_TOKEN: return {400, "malformed field"};
    default: return {400, "malformed head"};
  }
}

// Feeds the method, "/" for the target, and everything from the version on. The target has been
// checked already and the releases of llhttp disagree on which bytes it may hold.
std::expected<void, Reject> run_llhttp(std::string_view head_bytes, Head& head) {
  Collector collector;
  collector.head = &head;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &collector;
  const std::size_t method_bytes = head.method_text.size() + 1;
  const std::string_view rest = head_bytes.substr(method_bytes + head.target.size());

  llhttp_errno_t error = llhttp_execute(&parser, head_bytes.data(), method_bytes);
  if (error == HPE_OK) error = llhttp_execute(&parser, "/", 1);
  if (error == HPE_OK) error = llhttp_execute(&parser, rest.data(), rest.size());
  if (error != HPE_PAUSED || !collector.complete) return std::unexpected(refusal(error, collector));
  return {};
}

// The second opinion: walks the lines and wants each to be exactly one field of `head`, in
// order. Relies on the scanner for there being no CR or LF but at line ends.
bool covers(std::string_view lines, const Head& head) {
  const char* at = lines.data();
  const char* const end = at + lines.size();
  for (const Field& field : head.fields()) {
    if (field.name.data() != at || !grammar::is_token(field.name)) return false;
    at += field.name.size();
    if (at == end || *at++ != ':') return false;
    while (at != end && grammar::is_space(*at)) ++at;
    if (!field.value.empty()) {
      if (field.value.data() != at || !grammar::is_field_value(field.value)) return false;
      at += field.value.size();
      while (at != end && grammar::is_space(*at)) ++at;
    }
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n') return false;
    at += 2;
  }
  return end - at == 2 && at[0] == '\r' && at[1] == '\n';
}

}  // namespace

std::expected<void, Reject> parse_head(std::string_view head_bytes, Head& head) {
  const std::size_t line_end = head_bytes.find("\r\n");
  if (line_end == std::string_view::npos) return reject(400, "no request line");
  if (auto line = parse_request_line(head_bytes.substr(0, line_end), head); !line) {
    return std::unexpected(line.error());
  }
  head.field_count = 0;
  if (auto ran = run_llhttp(head_bytes, head); !ran) return std::unexpected(ran.error());
  if (!covers(head_bytes.substr(line_end + 2), head)) return reject(400, "malformed field");

  const auto host_sent = apply_framing(head);
  if (!host_sent) return std::unexpected(host_sent.error());
  return resolve_target(head, *host_sent);
}

}  // namespace millrace::http
