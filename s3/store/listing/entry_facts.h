// What a listing says about files: their size, time, ETag and checksum, found out for many names of
// directories at once, by one job on a worker instead of four calls a name on the shard's thread.
// Where a file's stamps are those that it had when its attribute was read, the attribute is not
// read again: a table by inode remembers what it said. Owned by one shard.
//
// The table is never believed without the file: a changed content, attribute or name moves the
// change time, and what had changed less than two ticks of the filesystem's clock before it was
// looked at is not remembered. It is direct-mapped: files with near inodes, as files of one
// directory mostly have, do not push each other out.
#pragma once

#include "engine/task.h"
#include "s3/store/object.h"
#include "s3/store/options.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

namespace millrace::s3::store {

struct EntryFacts {
  enum class State : std::uint8_t {
    absent,
    known,
    ask,  // not told by these means: open the file
  };
  State state = State::ask;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  StoredChecksum checksum = StoredChecksum::none;
  StoredChecksumType checksum_type = StoredChecksumType::full_object;
  std::array<char, etag_text_bytes_max> etag_text;
  std::size_t etag_size = 0;
  std::string_view etag() const { return {etag_text.data(), etag_size}; }
};

struct EntryQuestion {
  int directory = -1;
  const char* name = nullptr;  // one component
  EntryFacts* facts = nullptr;
};

class EntryMemory {
 public:
  explicit EntryMemory(const StoreOptions& options);

  static constexpr std::size_t questions_max = 128;  // so that a job takes some 300 us
  // Whether this is the way here: a local filesystem, with attributes in the files themselves.
  bool serves() const { return device_ != 0; }
  // Answers up to questions_max. Errors: that no worker could be had.
  engine::Task<engine::Result<>> look(std::span<const EntryQuestion> questions);

  // What opening a file has told, `looked_ns` (wall time) being before that.
  void remember(const OpenObject& object, std::uint64_t looked_ns);

  // How often an attribute was not read because the table had it.
  std::uint64_t hits() const { return hits_; }

 private:
  struct Known {
    std::uint64_t inode = 0;  // 0: nothing
    std::int64_t changed_ns = 0;
    std::int64_t mtime_ns = 0;
    std::uint64_t file_size = 0;
    std::array<std::uint8_t, 16> md5{};
    std::uint32_t parts = 0;
    EtagKind etag = EtagKind::md5;  // opaque: made up from the file
    StoredChecksum checksum = StoredChecksum::none;
    StoredChecksumType checksum_type = StoredChecksumType::full_object;
  };
  static_assert(sizeof(Known) <= 64);
  static constexpr std::size_t table_size = std::size_t{1} << 20;  // 56 MiB when it is full
  struct Free {
    void operator()(Known* table) const { std::free(table); }
  };

  // Room for what one look asks; there is one for each look under way.
  struct Job;

  static void take_status(const struct statx& status, std::int32_t result, EntryFacts& facts);
  bool recall(const struct statx& status, EntryFacts& facts);
  void take_attribute(const struct statx& status, std::int64_t result,
                      std::span<const std::byte> attribute, std::uint64_t looked_ns,
                      EntryFacts& facts);
  void keep(const Known& known, std::uint64_t looked_ns);
  static void show(const Known& known, EntryFacts& facts);

  const StoreOptions& options_;
  std::uint64_t device_ = 0;  // of the data directory; 0: not the way here
  bool by_name_ = true;       // until the kernel says that it cannot
  std::uint64_t hits_ = 0;
  std::unique_ptr<Known[], Free> table_;  // from the first look on
};

}  // namespace millrace::s3::store
