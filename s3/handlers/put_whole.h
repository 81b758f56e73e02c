// PutObject without an offset, and the first write of an object that is appended to. Owned by the
// request.
#pragma once

#include "s3/request.h"

namespace millrace::s3::handlers {

enum class PutKind : std::uint8_t {
  replace,
  first_append,  // InvalidWriteOffset when the key has an object by then
};
engine::Task<Outcome<>> put_whole(Request& request, PutKind kind);

}  // namespace millrace::s3::handlers
