// `millrace serve`. Main thread.
#pragma once

#include "tools/options.h"

namespace millrace::tools {

// Serves until a signal stops it. 0: stopped as asked; 1: refused to start, after one line on
// standard error.
int serve(const ServeOptions& options);

}  // namespace millrace::tools
