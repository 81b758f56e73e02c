// What a filesystem's abilities mean for Millrace: rows of the table, one line for the banner, and
// whether a durability can be promised there. Pure; main thread.
#pragma once

#include "s3/store/abilities.h"
#include "tools/check_report.h"
#include "tools/options.h"

#include <string>

namespace millrace::tools {

// `path` is the data directory, named in refusals. Refuses a filesystem without hard links (nothing
// could be published atomically), and strict where a directory can't be synced.
CheckReport check_filesystem(const std::string& path, const s3::store::Abilities& abilities,
                             Durability durability);

// What a success means ("data, metadata and name are on stable storage before success"), with what
// the filesystem takes away from it (tmpfs).
std::string durability_promise(Durability durability, const s3::store::Abilities& abilities);

// The abilities that are there, as words: "tmpfile exchange xattr=8000 direct copy reflink".
std::string abilities_text(const s3::store::Abilities& abilities);

}  // namespace millrace::tools
