// The names of one directory, sorted as the keys below it sort: a directory as its name with a
// slash, names by the component that they stand for. Names lie one behind the other in chunks,
// 2 bytes more each, and 4 bytes (a directory: 8) of order beside them, in blocks, so that one
// name goes in or out at the cost of moving a block.
// Owned by one shard; sort() alone may run on a worker, while nobody else uses the index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::s3::store {

enum class EntryKind : std::uint8_t {
  object,            // a file
  directory_object,  // the object NAME/.mr.f, if there is one: sorts as NAME
  directory,         // what is below NAME: sorts as NAME/
  chain,             // a directory with components that begin with this name's chunk
};

// What a directory's entry is to an index; nothing if no key leads there (foreign names,
// Millrace's own, `.mr.f`, which belongs to the parent). `in_chain`: the directory is a chain's.
// A chain's entry may still be refused by the walk's NameDecoder.
std::optional<EntryKind> entry_kind(std::string_view name, bool is_directory, bool in_chain);

// The component, or the piece of one, that a name stands for. Points into the name.
std::string_view entry_text(std::string_view name, bool in_chain);

class DirectoryIndex {
 public:
  struct Entry {
    std::string_view name;  // on disk
    std::string_view text;  // entry_text()
    EntryKind kind;
  };
  struct Position {
    std::uint32_t block = 0;
    std::uint32_t slot = 0;
    bool operator==(const Position&) const = default;
    auto operator<=>(const Position&) const = default;
  };

  explicit DirectoryIndex(bool in_chain) : in_chain_(in_chain) {}

  // Before sort(): one entry of a directory (object, directory or chain).
  void add(std::string_view name, EntryKind kind);
  void sort();
  // Before sort(), when the names are too many for the memory: drops the upper half of them, and
  // from then on everything behind. until() is where the next part begins.
  void sort_and_halve();
  // Leaves out all that sorts before `text`. Before the first add().
  void begin_at(std::string_view text) { from_ = text; }
  // What the index knows: from() up to until(); until() is empty when that is the end.
  const std::string& from() const { return from_; }
  const std::string& until() const { return until_; }
  bool covers(std::string_view text) const {
    return text >= from_ && (until_.empty() || text < until_);
  }

  // The first entry that does not sort before `text`.
  Position seek(std::string_view text) const;
  bool at_end(Position at) const { return at.block >= blocks_.size(); }
  Position after(Position at) const;
  Entry entry(Position at) const;

  // After sort(). True if something changed.
  bool insert(std::string_view name, EntryKind kind);
  bool remove(std::string_view name, EntryKind kind);

  bool in_chain() const { return in_chain_; }
  bool has_chains() const { return has_chains_; }
  std::size_t size() const { return names_; }  // names, not entries
  std::size_t bytes() const;
  // Of names that were removed; they are not used again.
  std::size_t wasted_bytes() const { return wasted_bytes_; }
  // Changes with every insert and remove: positions of before are void.
  std::uint64_t generation() const { return generation_; }

 private:
  // Where the name lies; its top bit: the entry with the slash.
  using Record = std::uint32_t;
  static constexpr Record slash_bit = 1U << 31;
  static constexpr std::size_t chunk_bits = 16;
  static constexpr std::size_t chunk_bytes = 1U << chunk_bits;
  static constexpr std::size_t first_chunk_bytes = 1024;
  static constexpr std::size_t header_bytes = 2;  // length, kind
  static constexpr std::size_t block_records_max = 2048;
  static constexpr std::size_t block_records_filled = 1536;

  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::uint32_t used = 0;
    std::uint32_t room = 0;
  };
  struct SortItem {
    std::uint64_t head;
    Record record;
  };

  const char* header(Record record) const {
    const Record offset = record & ~slash_bit;
    return chunks_[offset >> chunk_bits].bytes.get() + (offset & (chunk_bytes - 1));
  }
  std::string_view name(Record record) const;
  std::string_view text(Record record) const { return entry_text(name(record), in_chain_); }
  EntryKind kind(Record record) const;

  Record append(std::string_view name, EntryKind kind);
  std::vector<SortItem> sorted_items() const;
  void set_records(const std::vector<SortItem>& items, std::size_t count);
  int compare(Record record, std::string_view other) const;
  bool before(Record a, Record b) const;
  bool holds(std::string_view text, bool slash, EntryKind kind) const;
  std::optional<Position> find(std::string_view name, EntryKind kind) const;
  std::optional<Position> find_directory(std::string_view name) const;
  void insert_record(Record record);
  void erase_record(Position at);

  bool in_chain_;
  bool has_chains_ = false;
  std::size_t names_ = 0;
  std::size_t wasted_bytes_ = 0;
  std::size_t chunks_bytes_ = 0;
  std::uint64_t generation_ = 0;
  std::string from_;
  std::string until_;
  std::vector<Chunk> chunks_;
  std::vector<std::vector<Record>> blocks_;
};

}  // namespace millrace::s3::store
