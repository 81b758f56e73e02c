// From the bytes of a scanned head to a Head that may be trusted: llhttp splits the fields, own
// code splits the request line and enforces every rule on which two parsers in a row might
// disagree (request smuggling). Pure, any thread, no heap allocation.
#pragma once

#include "http/head.h"
#include "http/reject.h"

#include <expected>
#include <string_view>

namespace millrace::http {

// `head_bytes` must be exactly one head as delimited by HeadScanner, its final empty line
// included; the views in `head` point into it. On a Reject the contents of `head` are
// meaningless.
//
// Refused:
//   400  request line not `token SP target SP HTTP/d.d`; a target with control bytes, space or
//        '#', of no known form, or "*" for other than OPTIONS; HTTP/1.1 without Host; several or
//        malformed Host; absolute target whose authority differs from Host; Content-Length not
//        one decimal number below 2^64; Content-Length with Transfer-Encoding;
//        Transfer-Encoding in HTTP/1.0; field names that aren't tokens
//   417  Expect other than 100-continue
//   431  more fields than limits::field_count_max
//   501  CONNECT, methods unknown to llhttp, Transfer-Encoding other than exactly `chunked`
//   505  versions other than HTTP/1.0 and HTTP/1.1, the HTTP/2 preface among them
//
// Taken on purpose: bytes 0x21 to 0x7e but '#', and 0x80 to 0xff in targets (S3 clients send
// raw UTF-8 and characters such as '|' or '{'); an empty Host (probes of load balancers send
// it); methods llhttp knows but Millrace doesn't implement, as Method::other, so that the layer
// above words the refusal.
std::expected<void, Reject> parse_head(std::string_view head_bytes, Head& head);

}  // namespace millrace::http
