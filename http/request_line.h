// The request line (RFC 9112 section 3) and the forms of its target. Pure, any thread; views
// point into the bytes given.
#pragma once

#include "http/head.h"
#include "http/reject.h"

#include <expected>
#include <string_view>

namespace millrace::http {

// Fills method, method_text, target and version_minor from a line without its CR LF.
std::expected<void, Reject> parse_request_line(std::string_view line, Head& head);

// Splits head.target into path and query and settles head.host, which holds the value of the
// Host field (empty if there was none). An absolute target must name the same authority as a
// Host that was sent. An absolute target with an empty path gets the static path "/".
std::expected<void, Reject> resolve_target(Head& head, bool host_sent);

// Whether `text` is a host with an optional port: a name of letters, digits, '-', '.', '_', or
// an IPv6 address in brackets. Narrower than RFC 3986 by intent: sub-delimiters, percent
// escapes and user information are refused.
bool valid_authority(std::string_view text);

}  // namespace millrace::http
