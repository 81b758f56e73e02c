// Reading a directory's entries: raw getdents64 records to names with their types. Used by one
// shard; waits in the ring.
#pragma once

#include "engine/file.h"
#include "s3/store/listing/directory_index.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace millrace::s3::store {

struct ScannedName {
  std::string_view name;  // within the buffer; a NUL follows
  bool is_directory;
};

// Runs over one buffer of records, past `.`, `..` and all that is neither a regular file nor a
// directory. Where the filesystem doesn't say what an entry is, asks for its status.
class EntryReader {
 public:
  EntryReader(int directory, std::span<const std::byte> records)
      : directory_(directory), rest_(records) {}

  // False at the end. An entry that has gone meanwhile is passed over. `unknown` is set when the
  // type must be asked for with resolve().
  bool next(ScannedName& out, bool& unknown);
  // False: passed over.
  engine::Task<engine::Result<bool>> resolve(ScannedName& out);

 private:
  int directory_;
  std::span<const std::byte> rest_;
};

// Adds what one buffer holds to an index that is not sorted yet.
engine::Task<engine::Result<>> add_entries(int directory, std::span<const std::byte> records,
                                           DirectoryIndex& index);

// Sorts on this thread if that is quick, else on a worker.
engine::Task<void> sort_index(DirectoryIndex& index);

// Adds the whole directory, from the descriptor's position on, and sorts. When the index would
// grow over `bytes_max` it becomes that of a part of the directory (until()).
engine::Task<engine::Result<>> scan_directory(int directory, std::size_t bytes_max,
                                              DirectoryIndex& index);

}  // namespace millrace::s3::store
