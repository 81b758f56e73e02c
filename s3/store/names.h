// Keys to paths on disk and back: a bijection, fixed for ever (data on disk
// depends on it). A key is split at '/', each component mapped alone:
//
//   ordinary, 1 to 255 bytes, none of the below       itself
//   empty (a leading or doubled slash, the end of a/) .mr.0
//   . and ..                                          .mr.1 and .mr.2
//   begins with .mr. or .nfs, or is .snap             .mr.e. and the component
//   over 255 bytes after the rows above               directories .mr.l.CHUNK, the last
//                                                     name .mr.z.CHUNK
//
// A chunk is the longest run of whole code points of at most 249 bytes, so each
// name on disk is valid UTF-8 and at most 255 bytes. Two further names are no
// components: `.mr.f` in directory D is the object whose key is D's own (the
// kernel keeps a name file or directory, never both), and `.mr.sys` in a
// bucket's root is Millrace's. Neither can be a mapped component, since every
// component that begins with .mr. is escaped. Values; no thread owns them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "s3/store/key.h"

namespace millrace::s3::store {

inline constexpr std::size_t name_bytes_max = 255;                     // NAME_MAX
inline constexpr std::size_t chunk_bytes_max = name_bytes_max - 6;     // behind .mr.l.
inline constexpr std::size_t hop_bytes_max = 4095;                     // PATH_MAX less its NUL
inline constexpr std::size_t path_names_max = key_bytes_max + 1;       // 1,024 slashes
inline constexpr std::size_t path_bytes_max = 6 * path_names_max - 1;  // `.mr.0/` each
inline constexpr std::string_view file_of_directory_name = ".mr.f";
inline constexpr std::string_view system_name = ".mr.sys";

// The path of a key below its bucket's directory: names joined by '/', with
// their offsets. About 8 KiB: keep one per request, not per step.
class MappedPath {
 public:
  // A NUL-terminated stretch of the path. While it lives, the path is cut
  // behind it: only one may live at a time, and the whole is not readable.
  class Cut {
   public:
    Cut(const Cut&) = delete;
    Cut& operator=(const Cut&) = delete;
    ~Cut() { *end_ = kept_; }
    const char* c_str() const { return begin_; }

   private:
    friend class MappedPath;
    Cut(char* begin, char* end) : begin_(begin), end_(end), kept_(*end) { *end = '\0'; }
    char* begin_;
    char* end_;
    char kept_;
  };

  MappedPath() { clear(); }
  MappedPath(const MappedPath&) = delete;
  MappedPath& operator=(const MappedPath&) = delete;

  std::size_t names() const { return names_; }  // 0: the bucket's directory itself
  std::string_view name(std::size_t index) const;
  std::string_view view() const { return {bytes_.data(), size_}; }
  const char* c_str() const { return bytes_.data(); }
  bool fits_one_hop() const { return size_ <= hop_bytes_max; }
  const char* leaf() const { return bytes_.data() + offsets_[names_ - 1]; }  // names() > 0

  // Names first up to, not including, last: first < last <= names().
  Cut cut(std::size_t first, std::size_t last);
  // How far one openat can go from name first: the largest last for which names
  // first to last fit PATH_MAX. Opening [0, hop_end(0)), then from there on
  // relative to that descriptor, reaches every path.
  std::size_t hop_end(std::size_t first) const;

  // Appends the name of the object that is also a directory: a -> a/.mr.f.
  void append_file_of_directory();
  // Takes the last name off, whatever it was. names() > 0.
  void remove_last();

 private:
  friend void map(const Key& key, MappedPath& path);
  friend bool map_directory(std::string_view prefix, MappedPath& path);
  void clear();
  void append(std::string_view first, std::string_view second);
  void append_component(std::string_view component);
  void map_text(std::string_view text);

  std::array<char, path_bytes_max + 1 + 6> bytes_;  // 6: `/.mr.f`
  std::array<std::uint16_t, path_names_max + 1> offsets_;
  std::uint16_t names_ = 0;
  std::uint16_t size_ = 0;
};

void map(const Key& key, MappedPath& path);

// The directory that holds the keys beginning with prefix, which is empty (the
// bucket's own) or ends in '/': `a/b/` -> a/b. Prefix must be a key's beginning:
// false, and an empty path, if it is longer than a key or not valid UTF-8.
bool map_directory(std::string_view prefix, MappedPath& path);

enum class NameKind : std::uint8_t {
  ordinary,
  empty,
  dot,
  dotdot,
  escaped,
  chain_part,         // .mr.l.: a directory that holds the rest of its component
  chain_end,          // .mr.z.
  file_of_directory,  // .mr.f
  system,             // .mr.sys in the bucket's root
  foreign,            // no key maps here: not UTF-8, reserved but malformed, not canonical
};

struct ClassifiedName {
  NameKind kind;
  std::string_view text;  // the component or the chunk; points into the entry or to a constant
};

// What one directory entry is by itself. A chain's name may still turn out
// foreign where it stands: NameDecoder knows.
ClassifiedName classify_name(std::string_view entry);

// Rebuilds keys while a walk goes down and up the directories of a bucket.
// Allocation free. For each entry: keep mark(), call file() or directory(), use
// key(), and restore the mark when done with that entry.
class NameDecoder {
 public:
  struct Mark {
    std::uint16_t size = 0;         // of the key's text so far
    std::uint16_t component = 0;    // where the open chain's component begins in it
    std::uint16_t chain_bytes = 0;  // mapped bytes of the open chain so far; 0: none open
    std::uint16_t chunk_bytes = 0;  // of its last chunk
    std::uint16_t names = 0;        // depth below the bucket's directory
  };

  Mark mark() const { return state_; }
  void restore(Mark mark) { state_ = mark; }

  // Adds an entry that is a regular file. Unless it returns foreign or system,
  // key() is that object's key. On foreign and system nothing changes.
  NameKind file(std::string_view entry);
  // Adds an entry that is a directory and goes down into it: key() is then the
  // beginning of all keys in it, with the slash (without one inside a chain).
  // Foreign or system: don't go down, nothing changed.
  NameKind directory(std::string_view entry);

  std::string_view key() const { return {text_.data(), state_.size}; }
  bool in_chain() const { return state_.chain_bytes != 0; }

 private:
  bool append(std::string_view text, std::size_t limit = key_bytes_max);
  bool add_component(const ClassifiedName& name);
  bool add_chunk(const ClassifiedName& name);

  // One more than a key: the slash behind a directory whose own name is a whole
  // key, where only `.mr.f` can follow.
  std::array<char, key_bytes_max + 1> text_;
  Mark state_;
};

}  // namespace millrace::s3::store
