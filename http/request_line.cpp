// The request line and the forms of its target.
#include "http/request_line.h"

#include "http/grammar.h"

namespace millrace::http {
namespace {

std::unexpected<Reject> reject(int status, std::string_view reason) {
  return std::unexpected(Reject{status, reason});
}

Method method_of(std::string_view text) {
  switch (text.size()) {
    case 3:
      if (text == "GET") return Method::get;
      if (text == "PUT") return Method::put;
      break;
    case 4:
      if (text == "HEAD") return Method::head;
      if (text == "POST") return Method::post;
      break;
    case 6:
      if (text == "DELETE") return Method::delete_;
      break;
    case 7:
      if (text == "OPTIONS") return Method::options;
      break;
    default: break;
  }
  return Method::other;
}

bool valid_port(std::string_view port) {  // RFC 3986 allows an empty one
  if (port.size() > 5 || !grammar::all(port, grammar::digit_class)) return false;
  unsigned number = 0;
  for (char c : port) number = number * 10 + static_cast<unsigned>(c - '0');
  return number <= 65535;
}

// The authority without a port that is the scheme's own, or empty.
std::string_view without_default_port(std::string_view authority, std::string_view port) {
  if (authority.ends_with(':')) {
    authority.remove_suffix(1);
  } else if (authority.ends_with(port)) {
    authority.remove_suffix(port.size());
  }
  return authority;
}

void split_query(std::string_view text, Head& head) {
  const std::size_t mark = text.find('?');
  head.path = text.substr(0, mark);
  head.query = mark == std::string_view::npos ? std::string_view{} : text.substr(mark + 1);
}

std::expected<void, Reject> resolve_absolute(Head& head, bool host_sent) {
  std::string_view rest = head.target;
  std::string_view port;
  const std::size_t colon = rest.find("://");
  if (colon == std::string_view::npos) return reject(400, "target of no known form");
  const std::string_view scheme = rest.substr(0, colon);
  if (grammar::equal_ignoring_case(scheme, "http")) {
    port = ":80";
  } else if (grammar::equal_ignoring_case(scheme, "https")) {
    port = ":443";
  } else {
    return reject(400, "target with a foreign scheme");
  }
  rest.remove_prefix(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.empty() || !valid_authority(authority)) return reject(400, "malformed authority");
  if (!host_sent) {
    head.host = authority;  // HTTP/1.0 only
  } else if (!grammar::equal_ignoring_case(without_default_port(authority, port),
                                           without_default_port(head.host, port))) {
    return reject(400, "target and Host differ");
  }
  split_query(rest.substr(authority.size()), head);
  if (head.path.empty()) head.path = "/";
  return {};
}

}  // namespace

bool valid_authority(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;  // "::" at the least
    for (char c : text.substr(1, close - 1)) {
      if (grammar::hex_value(c) < 0 && c != ':' && c != '.') return false;
    }
    port = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    if (name.empty() || !grammar::all(name, grammar::host_class)) return false;
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  if (port.empty()) return true;
  return port.front() == ':' && valid_port(port.substr(1));
}

std::expected<void, Reject> parse_request_line(std::string_view line, Head& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return reject(400, "malformed request line");
  head.method_text = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);

  if (!grammar::is_token(head.method_text)) return reject(400, "malformed method");
  if (head.target.empty() || !grammar::is_target(head.target)) {
    return reject(400, "malformed target");
  }
  if (head.target.find('#') != std::string_view::npos) return reject(400, "fragment in the target");
  if (version.size() != 8 || !version.starts_with("HTTP/") || !grammar::is_digit(version[5]) ||
      version[6] != '.' || !grammar::is_digit(version[7])) {
    return reject(400, "malformed version");
  }
  if (version[5] != '1' || version[7] > '1') return reject(505, "version not supported");
  head.version_minor = static_cast<std::uint8_t>(version[7] - '0');
  if (head.method_text == "CONNECT") return reject(501, "CONNECT");
  head.method = method_of(head.method_text);
  return {};
}

std::expected<void, Reject> resolve_target(Head& head, bool host_sent) {
  if (head.target.starts_with('/')) {
    split_query(head.target, head);
    return {};
  }
  if (head.target == "*") {
    if (head.method != Method::options) return reject(400, "asterisk for other than OPTIONS");
    head.path = head.target;
    head.query = {};
    return {};
  }
  return resolve_absolute(head, host_sent);
}

}  // namespace millrace::http
