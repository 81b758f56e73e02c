// A TOML text as a flat list of entries with their lines: all that the configuration, the
// credentials and the format file need. toml++ stays behind this header. Main thread; no throw.
#pragma once

#include "tools/refusal.h"

#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

struct TomlEntry {
  std::string key;
  unsigned line = 0;
  // The scalar, or the scalars of an array, as text; numbers in decimal.
  std::vector<std::string> values;
  // False for what none of the files here holds: tables, dates, booleans, nested arrays.
  bool plain = true;
};

// Entries of the top level in the order of their lines. `path` is named in the refusal. The
// refusal never quotes the text, which may hold a secret.
Allowed<std::vector<TomlEntry>> parse_toml(std::string_view text, const std::string& path);

// The text in double quotes, escaped for TOML.
std::string toml_string(std::string_view text);

}  // namespace millrace::tools
