// The data directory of a server: opened, described by its format file and locked against servers
// that it is not shared with. Main thread; held for the life of the process.
// Invariant: while a DataDirectory lives, no other process on a host that shares the filesystem's
// locks has one for the same directory, except containers of the same cluster; the kernel drops
// the lock when the process ends, kill -9 included.
#pragma once

#include "engine/descriptor.h"
#include "s3/store/abilities.h"
#include "tools/refusal.h"

#include <optional>
#include <string>
#include <string_view>

namespace millrace::tools {

// The directory below DATA that no request can reach: its name isn't a valid bucket name.
inline constexpr const char* system_directory_name = ".millrace";

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

// Refuses a directory that belongs to another cluster than this one (empty: to any).
Allowed<> check_cluster(const Format& format, const std::string& path, std::string_view cluster);

class DataDirectory {
 public:
  // For a standalone server, and for whoever makes or ends a cluster: nobody else has it open.
  // Makes DATA (not its parents), DATA/.millrace and the format file where they aren't there.
  // Refuses one that belongs to a cluster, unless it is this one.
  static Allowed<DataDirectory> open(const std::string& path, std::string_view cluster = {});
  // For a container of a cluster: others of the same cluster may have it open, too. Makes it the
  // cluster's where it is standalone and nobody has it open.
  static Allowed<DataDirectory> open_shared(const std::string& path, std::string_view cluster);

  // Makes it a cluster's, or standalone again (an empty name). After open().
  Allowed<> give_to(std::string_view cluster);

  int fd() const { return data_.get(); }
  int system_fd() const { return system_.get(); }
  const std::string& path() const { return path_; }
  std::string system_path() const { return path_ + "/" + system_directory_name; }
  const Format& format() const { return format_; }
  // A file whose bytes are the locks that containers share; -1 after open().
  int key_locks_fd() const { return key_locks_.get(); }
  // Lets another server have the directory, before this process has ended.
  void unlock() { lock_.reset(); }

 private:
  DataDirectory() = default;
  static Allowed<DataDirectory> open_locked(const std::string& path, short lock_type);

  std::string path_;
  engine::Descriptor data_;
  engine::Descriptor system_;
  engine::Descriptor lock_;
  engine::Descriptor key_locks_;
  Format format_;
};

// Makes the abilities those that the format's place for attributes leaves. Refuses when objects
// have theirs inside and the filesystem takes none (any more).
Allowed<> apply_format(const Format& format, const std::string& path,
                       s3::store::Abilities& abilities);

// What `millrace check` sees of a data directory, without changing it.
struct DataState {
  enum class Kind { absent, empty, formatted } kind = Kind::absent;
  engine::Descriptor probe_fd;  // where abilities can be probed: .millrace, DATA or DATA's parent
  engine::Descriptor system;    // DATA/.millrace, when it is there
  Format format;                // when formatted
};
Allowed<DataState> examine_data_directory(const std::string& path);

}  // namespace millrace::tools
