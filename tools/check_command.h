// `millrace check`: what this machine and this filesystem can do, as a table. Main thread.
#pragma once

#include "tools/options.h"

namespace millrace::tools {

// Prints the table and whether serve would start with these options, to standard output. Leaves
// nothing behind. 0: it would; 1: it would refuse. `environment` ends with a null pointer.
int check(const ServeOptions& options, const char* const* environment);

}  // namespace millrace::tools
