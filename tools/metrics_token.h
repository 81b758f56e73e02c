// The token that /metrics wants, from its file: a secret doesn't belong on a command line. Main
// thread, at start.
#pragma once

#include "tools/refusal.h"

#include <cstddef>
#include <string>

namespace millrace::tools {

inline constexpr std::size_t metrics_token_bytes_min = 16;
inline constexpr std::size_t metrics_token_bytes_max = 256;

// The file's one line; empty for an empty path. Refuses a file that others may read, one that is
// not the server's user's or root's, and what is no token (RFC 6750 section 2.1: letters, digits
// and -._~+/=).
Allowed<std::string> load_metrics_token(const std::string& path);

}  // namespace millrace::tools
