// What a data directory says of itself: how its files lie, who may read and write it, whose it is.
// Pure but for the checks' look at abilities that the caller has.
#pragma once

#include "s3/store/abilities.h"
#include "tools/refusal.h"

#include <string>
#include <string_view>

namespace millrace::tools {

// DATA/.millrace/format, TOML. Fields that aren't here are left for newer versions.
struct Format {
  static constexpr unsigned layout_known = 1;
  // The highest feature level that this build has. 2: attributes beside the objects.
  static constexpr unsigned level_known = 2;

  unsigned layout = layout_known;   // how names and metadata lie on the filesystem
  unsigned readable = 1;            // the level that a server needs to read
  unsigned writable = 1;            // the level that a server needs to write
  std::string mode = "standalone";  // or "cluster": then only that cluster's containers serve it
  std::string id;                   // random, 32 hexadecimal digits
  std::string cluster;              // that cluster's id; empty when standalone
  // Objects have their attributes in files beside them: decided once, by whether the filesystem
  // takes user attributes when the directory is made. Needs level 2.
  bool attributes_beside = false;
};

// Refuses a text that this build can't read or may not write. `path` is named in the refusal.
Allowed<Format> parse_format(std::string_view text, const std::string& path);
std::string format_text(const Format& format);

// Makes the abilities those that the format's place for attributes leaves. Refuses when objects
// have theirs inside and the filesystem takes none (any more).
Allowed<> apply_format(const Format& format, const std::string& path,
                       s3::store::Abilities& abilities);

// Refuses a directory that belongs to a cluster.
Allowed<> check_standalone(const Format& format, const std::string& path);

}  // namespace millrace::tools
