// PutObject with an offset; see append_object.cpp. Owned by the request.
#pragma once

#include "http/head.h"
#include "s3/request.h"

namespace millrace::s3::handlers {

bool is_append(const http::Head& head);
engine::Task<Outcome<>> append_object(Request& request);

}  // namespace millrace::s3::handlers
