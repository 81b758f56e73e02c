// The rules over all fields of a head that decide where its body ends and whether the
// connection goes on (RFC 9112 sections 6 and 9.3, RFC 9110 sections 7.2 and 10.1.1).
// Pure, any thread. A wrong answer here is request smuggling: whatever two readers could
// understand differently is refused.
#pragma once

#include "http/head.h"
#include "http/reject.h"

#include <expected>

namespace millrace::http {

// Reads head.fields() and version_minor; sets host, chunked, content_length, keep_alive and
// expect_continue. Returns whether a Host field was sent.
std::expected<bool, Reject> apply_framing(Head& head);

// A decimal number below 2^64 and nothing else, no sign, no space, no list. Leading zeros
// are taken.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

}  // namespace millrace::http
