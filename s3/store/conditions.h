// Conditions of a change: what must be true of the key's object at the moment of the change. They
// are looked at under the key's lock, where every publish and removal of the key looks and then
// acts, so of any number of writers with the same condition exactly one wins. The ETag is the one
// that a reader of that very file sees. Plain values.
#pragma once

#include "engine/error.h"
#include "s3/store/object.h"

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::s3::store {

// What a change answers when its condition does not hold, beside EEXIST of `must_not_exist`. Three
// numbers that no filesystem gives, so that handlers can tell; s3/error.cpp has what clients see.
inline constexpr int errno_condition_failed = EBADE;
inline constexpr int errno_no_object = EBADSLT;       // If-Match, and the key has no object
inline constexpr int errno_object_changed = EREMCHG;  // not the object any more that was read

struct WriteConditions {
  bool must_not_exist = false;  // If-None-Match: *
  // If-Match: an entity tag, with or without quotes, a list of them, or `*` for any. The key must
  // have an object. Empty: no such condition. Outlives the change.
  std::string_view if_match = {};
  // Of an object that exists; where there is none they hold (removals only, as AWS).
  std::optional<std::int64_t> modified_seconds = std::nullopt;  // since 1970
  std::optional<std::uint64_t> size_bytes = std::nullopt;
  // The key must still have this object, to the byte of its attribute: other tags, which leave the
  // ETag, are a change, too. For what was made of an object that was read without the key's lock.
  // Outlives the change.
  const OpenObject* as_read = nullptr;

  bool must_exist() const { return !if_match.empty() || as_read != nullptr; }
  bool any() const { return must_not_exist || must_exist() || modified_seconds || size_bytes; }
};

// Of the object that the key has. Errors: EEXIST, errno_condition_failed, errno_object_changed.
engine::Result<> check_conditions(const WriteConditions& conditions, const OpenObject& object);
// Of a key that has none. Error: errno_no_object.
engine::Result<> check_absent(const WriteConditions& conditions);

}  // namespace millrace::s3::store
