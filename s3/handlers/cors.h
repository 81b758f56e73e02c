// Cross-origin answers: what a request with an Origin is told beside its answer, whatever that is.
// Owned by the request.
#pragma once

#include "s3/request.h"

#include <string_view>

namespace millrace::s3::handlers {

// Reads the bucket's rules and keeps what they say of this request for its answer; nothing where
// there are none, or they cannot be read. Only for requests that have an Origin.
engine::Task<> prepare_cors(Request& request, std::string_view bucket);

// The fields of an answer that has to say so.
void write_cors(http::HeadWriter& head, const CorsAnswer& answer);

}  // namespace millrace::s3::handlers
