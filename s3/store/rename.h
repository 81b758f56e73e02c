// What a rename within a bucket is told, and what it leaves. One rename(2) takes the source's name
// away and puts the file under the destination's, replacing what was there: readers see the one or
// the other, and after a power cut it has happened or not (a journal's transaction). ETag,
// attribute and what meta/ has stay, since file, content and modification time do. Plain values.
//
// Protocol (Store::rename):
//   the destination's directory is made, then the locks of both keys are taken, the lower slot
//   first; both keys are looked at and held against the conditions; rename(2); the destination's
//   directory is synced, then the source's; the locks go, then what is left empty or unused.
// Whoever dies between leaves the object under one of its keys, and perhaps an empty directory.
#pragma once

#include "http/conditions.h"
#include "s3/store/asker.h"
#include "s3/store/names.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace::s3::store {

// The token belongs to another rename: it left its memory at the destination, of another source.
inline constexpr int errno_token_reused = EBADR;

// One of the two keys. `conditions` as sent; here If-Modified-Since counts, too, and a key without
// an object fails If-Match and If-Modified-Since.
struct RenameSide {
  MappedPath& path;
  std::string_view key;
  http::Conditions conditions;
};

struct RenameRequest {
  std::string_view bucket;
  RenameSide from;
  RenameSide to;
  // Makes the request one that may be sent again: kept in an attribute of the file beside the
  // source's hash, so that a repetition which finds this at the destination is answered alike and
  // does nothing. Forgotten with the object, and on filesystems without attributes.
  std::string_view token;
  std::int64_t now_seconds = 0;
  Asker asker;
};

// Whether the key's object, or its absence, agrees.
bool conditions_hold(const http::Conditions& conditions, const http::Representation& object,
                     std::int64_t now_seconds);

}  // namespace millrace::s3::store
