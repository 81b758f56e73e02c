// Who may do what: the one place that decides it, for the request itself and for whatever else it
// touches (a copy's source, each key of DeleteObjects). Belongs to the request's shard.
//
// The owner (the root key) may do everything, but that a Deny of the bucket's policy binds him,
// too, save for the policy itself: he can always repair it. Everybody else is a stranger, who may
// do what the policy allows, and of that only what concerns objects and their lists, never
// settings.
#pragma once

#include "s3/request.h"

#include <optional>
#include <string_view>

namespace millrace::s3 {

struct Wish {
  std::string_view action;  // "s3:GetObject"
  std::string_view bucket;
  std::optional<std::string_view> key;  // decoded; none: the bucket itself
};

// Errors: AccessDenied; to strangers NoSuchBucket, too; InternalError where there is a policy that
// cannot be read; those of the filesystem. Names must be valid (bucket_name_valid, a store::Key).
engine::Task<Outcome<>> check_permission(Request& request, Wish wish);

// The same without waiting, where that is known already; nothing where it has to be looked up.
std::optional<Outcome<>> permission_known(Request& request, const Wish& wish);

// What the request itself asks for. Call with its names checked.
engine::Task<Outcome<>> authorise(Request& request);
std::optional<Outcome<>> authorised_at_once(Request& request);

}  // namespace millrace::s3
