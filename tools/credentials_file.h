// The root credentials: from the environment, else from DATA/.millrace/credentials, else generated
// and kept there. Main thread, at start.
// Invariant: a secret is never in a refusal, and never in a file that others may read.
#pragma once

#include "tools/refusal.h"

#include <optional>
#include <string>

namespace millrace::tools {

struct Credentials {
  enum class Source { environment, file, generated };

  std::string access_key;
  std::string secret_key;
  Source source = Source::environment;

  // Only then does the banner show them, this once.
  bool generated() const { return source == Source::generated; }
};

inline constexpr std::size_t access_key_bytes_min = 3;
inline constexpr std::size_t access_key_bytes_max = 128;
inline constexpr std::size_t secret_key_bytes_min = 8;
inline constexpr std::size_t secret_key_bytes_max = 128;

// From MILLRACE_ACCESS_KEY and MILLRACE_SECRET_KEY (`environment` ends with a null pointer), else
// from the file `credentials` in the directory `system_fd`; none where neither is there.
// `system_fd` below 0 means that there is no directory yet. Refuses one variable without the other,
// keys of forbidden lengths or characters, and a file that is not ours or readable by others.
Allowed<std::optional<Credentials>> find_credentials(int system_fd, const std::string& system_path,
                                                     const char* const* environment);

// The same, but generates and writes the file where there are none.
Allowed<Credentials> load_credentials(int system_fd, const std::string& system_path,
                                      const char* const* environment);

// Writes the file: what a cluster's root keys become when it ends.
Allowed<> keep_credentials(int system_fd, const std::string& system_path,
                           const Credentials& credentials);

}  // namespace millrace::tools
