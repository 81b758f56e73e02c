// From the socket to wherever a payload goes: that of a PutObject or UploadPart, digested on the
// way, the next piece received while the last one is written. Owned by the request.
#pragma once

#include "s3/payload.h"
#include "s3/request.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace::s3::handlers {

// Where pieces are written; `offset` counts from the start of the payload.
struct PieceSink {
  engine::Task<engine::Result<>> (*write)(void* context, std::span<const std::byte> piece,
                                          std::uint64_t offset) = nullptr;
  void* context = nullptr;
};

// Writes the whole payload and verifies it. On an error what was written is garbage.
engine::Task<Outcome<>> receive_into(Request& request, Payload& payload, PieceSink sink);

// Payload::verify(); an error's answer shows both digests.
Outcome<> verify(Request& request, Payload& payload);

}  // namespace millrace::s3::handlers
