// PutObject without an offset, the first write of an object that is appended to, and what they
// share with the forms of browsers. Owned by the request.
#pragma once

#include "s3/payload.h"
#include "s3/request.h"
#include "s3/store/conditions.h"
#include "s3/store/names.h"
#include "s3/store/staging.h"

namespace millrace::s3::handlers {

enum class PutKind : std::uint8_t {
  replace,
  first_append,  // InvalidWriteOffset when the key has an object by then
};
engine::Task<Outcome<>> put_whole(Request& request, PutKind kind);

// Writes the payload into the staged file, seals it and publishes it under the request's key.
// `meta` comes with what was said of the object and gets what its content tells; its block digests
// are the payload's.
engine::Task<Outcome<>> receive_and_publish(Request& request, Payload& payload,
                                            store::MappedPath& path,
                                            const store::WriteConditions& conditions,
                                            store::StagedFile& staged, store::MetadataView& meta);

}  // namespace millrace::s3::handlers
