// Removing directory trees. Depth is bounded by the longest key. Owned by the request.
#pragma once

#include "engine/file.h"

#include <string_view>

namespace millrace::s3::store {

// Removes directories without a file in them, the deepest first. True when nothing else is left
// in `directory` (but `spared`, a name in it that is not looked at); stops at the first file.
engine::Task<engine::Result<bool>> remove_empty_directories(int directory,
                                                            std::string_view spared = {});

// Everything in the directory, and the directory `name` in `parent` with everything in it.
engine::Task<engine::Result<>> remove_contents(int directory);
engine::Task<engine::Result<>> remove_tree(int parent, const char* name);

}  // namespace millrace::s3::store
