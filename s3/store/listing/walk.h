// Goes over a bucket's tree in the byte order of keys, from a given key on, and yields what may be
// on a page: names as the directories have them, not yet opened. It only enters directories that
// can hold wanted keys. Owned by the request that lists.
//
// Invariant: everything that sorts before wanted() has been yielded or isn't wanted.
#pragma once

#include "s3/store/listing/any_object.h"
#include "s3/store/listing/directory_indexes.h"

#include <string>
#include <vector>

namespace millrace::s3::store {

// A directory that stays open while a level of the walk or a candidate needs it.
class SharedDirectory {
 public:
  SharedDirectory() = default;
  explicit SharedDirectory(engine::Descriptor descriptor)
      : held_(new Held{std::move(descriptor), 1}) {}
  SharedDirectory(const SharedDirectory& other) : held_(other.held_) {
    if (held_ != nullptr) ++held_->references;
  }
  SharedDirectory(SharedDirectory&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  SharedDirectory& operator=(SharedDirectory other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~SharedDirectory() {
    if (held_ != nullptr && --held_->references == 0) delete held_;
  }
  int get() const { return held_->descriptor.get(); }

 private:
  struct Held {
    engine::Descriptor descriptor;
    unsigned references;
  };
  Held* held_ = nullptr;
};

struct Candidate {
  enum class Kind : std::uint8_t {
    object,            // the file `leaf`, whose key is `key`
    directory_object,  // leaf/.mr.f, if there is one
    directory,         // what is below the directory `leaf`: all of it has one common prefix
  };
  Kind kind = Kind::object;
  std::string key;   // of a directory: with the slash
  std::string leaf;  // in `directory`
  SharedDirectory directory;
  NameDecoder decoder;  // of Kind::directory: gone down to it
  // The walk has gone on behind the common prefix of this; if nothing is there after all, it must
  // go back to what follows the key.
  bool skipped_rest = false;
};

class Walk {
 public:
  // The views outlive the walk. An empty delimiter: none.
  Walk(const StoreOptions& options, DirectoryIndexes& indexes, std::string_view bucket,
       std::string_view prefix, std::string_view delimiter);

  // (Re)starts at what sorts at or behind `wanted`. ENOENT: no such bucket.
  engine::Task<engine::Result<>> start(std::string_view wanted);
  // False: there is nothing more.
  engine::Task<engine::Result<bool>> next(Candidate& out);
  const std::string& wanted() const { return wanted_; }

 private:
  // One directory of a level: the component's own, or one of a chain's, which are merged with it.
  struct Cursor {
    SharedDirectory directory;
    IndexHandle index;  // none yet: see settle()
    DirectoryIndex::Position at;
    std::uint64_t generation = 0;
    bool placed = false;             // `at` means something in this generation of the index
    bool jump = false;               // what is at `at` isn't wanted: seek
    std::string floor;               // where the part of the directory that `index` is of begins
    std::vector<std::string> chain;  // names from the level's directory down to this one
    std::string text;                // what the chain's names begin components with
  };
  struct Level {
    NameDecoder::Mark mark;
    std::vector<Cursor> cursors;
  };
  enum class Step : std::uint8_t { yielded, go_on };

  // False: the cursor has nothing more. Otherwise its place is at an entry.
  engine::Task<engine::Result<bool>> settle(const Level& level, Cursor& cursor);
  // The place in a cursor's directory that wanted() means; false: behind all that is in it.
  bool relative_wanted(const Level& level, const Cursor& cursor, std::string& out);
  static bool in_place(const Cursor& cursor) {
    return cursor.placed && cursor.generation == cursor.index->generation();
  }
  // The cursor whose entry comes first; null: the level is done.
  engine::Task<engine::Result<Cursor*>> least(Level& level);
  void leave_level();

  Step take_object(const Level& level, Cursor& cursor, Candidate& out);
  engine::Task<engine::Result<Step>> take_directory(const Level& level, Cursor& cursor,
                                                    Candidate& out);
  engine::Task<engine::Result<>> take_chain(Level& level, Cursor& cursor);

  bool go_down(const Level& level, const Cursor& cursor);
  // Whether a directory with all keys that begin so has none that is wanted; notes what follows.
  bool unwanted(std::string_view beginning, Cursor& cursor);
  bool behind_prefix(std::string_view text) const;
  std::string_view rolled_up(std::string_view key) const;
  void want_after(std::string_view key);
  void want_past(std::string_view beginning);
  engine::Task<engine::Result<engine::Descriptor>> open_base(MappedPath& path);

  const StoreOptions& options_;
  DirectoryIndexes& indexes_;
  const std::string_view bucket_;
  const std::string_view prefix_;
  const std::string_view delimiter_;
  std::string wanted_;
  bool ended_ = false;
  NameDecoder decoder_;
  std::vector<Level> levels_;
};

}  // namespace millrace::s3::store
