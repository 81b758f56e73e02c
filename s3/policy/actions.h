// The actions that a bucket's policy can name, and on what they are done. Made of the permissions
// in the table of operations; constant data, any thread.
#pragma once

#include <string_view>

namespace millrace::s3::policy {

struct ActionKinds {
  bool on_bucket = false;
  bool on_object = false;
  bool any() const { return on_bucket || on_object; }
};

// What the actions are done on that the pattern ("s3:Get*") matches; none where it matches no
// action at all.
ActionKinds kinds_of(std::string_view pattern);

}  // namespace millrace::s3::policy
