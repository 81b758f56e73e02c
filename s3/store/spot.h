// Where the object of one key is, or would be: looked at by Store::locate with the key's lock held,
// and true as long as that is. Owned by the change that holds the lock.
#pragma once

#include "s3/store/store.h"

namespace millrace::s3::store {

struct Store::Spot {
  const Directory* directory = nullptr;  // the parent, or `inner`
  const char* leaf = nullptr;
  std::optional<Directory> inner;  // the key is a directory as well
  OpenObject object;
  bool exists = false;

  const OpenObject* found() const { return exists ? &object : nullptr; }
};

}  // namespace millrace::s3::store
