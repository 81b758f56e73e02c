// From the socket to a file: the payload of a PutObject or UploadPart, digested on the way, the
// next piece received while the last one is written. Owned by the request.
#pragma once

#include "s3/payload.h"

#include <cstdint>

namespace millrace::s3::handlers {

// Writes the whole payload at `offset` of `fd` and verifies it. On an error the file holds
// garbage.
engine::Task<Outcome<>> receive_into(Payload& payload, int fd, std::uint64_t offset);

}  // namespace millrace::s3::handlers
