// The data directory of a server: opened, described by its format file and locked against servers
// that it is not shared with. Main thread; held for the life of the process.
// Invariant: while a DataDirectory lives, no other process on a host that shares the filesystem's
// locks has one for the same directory, except containers of the same cluster; the kernel drops
// the lock when the process ends, kill -9 included.
#pragma once

#include "engine/descriptor.h"
#include "tools/data_format.h"
#include "tools/refusal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::tools {

// The directory below DATA that no request can reach: its name isn't a valid bucket name.
inline constexpr const char* system_directory_name = ".millrace";

class DataDirectory {
 public:
  // For a standalone server, and for whoever makes a cluster: nobody else has it open. Makes DATA
  // (not its parents), DATA/.millrace and the format file where they aren't there. Refuses one that
  // belongs to a cluster, unless that is said to be no more.
  enum class Owner : std::uint8_t { nobody, lost_cluster };
  static Allowed<DataDirectory> open(const std::string& path, Owner owner = Owner::nobody);
  // A cluster's, by the ids that it had when the cluster was made; makes nothing, since a path
  // without them is a mount point without its filesystem. Shared: with the cluster's containers.
  enum class Sharing : std::uint8_t { shared, alone };
  static Allowed<DataDirectory> open_of_cluster(const std::string& path, std::string_view id,
                                                std::string_view cluster, Sharing sharing);
  // What is there, without a lock; as open_of_cluster() otherwise.
  static Allowed<> check_of_cluster(const std::string& path, std::string_view id,
                                    std::string_view cluster);

  // Makes it a cluster's, or standalone again (an empty name). Nobody else has it open.
  Allowed<> give_to(std::string_view cluster);

  int fd() const { return data_.get(); }
  int system_fd() const { return system_.get(); }
  const std::string& path() const { return path_; }
  std::string system_path() const { return path_ + "/" + system_directory_name; }
  const Format& format() const { return format_; }
  // The directory's own lock, whole; shared where the directory is.
  int lock_fd() const { return lock_.get(); }
  // A file whose bytes are the locks that containers share; -1 where nobody shares.
  int key_locks_fd() const { return key_locks_.get(); }
  // Lets another server have the directory, before this process has ended.
  void unlock() {
    lock_.reset();
    key_locks_.reset();
  }

 private:
  DataDirectory() = default;
  Allowed<> lock(short type);

  std::string path_;
  engine::Descriptor data_;
  engine::Descriptor system_;
  engine::Descriptor lock_;
  engine::Descriptor key_locks_;
  Format format_;
};

// What `millrace check` sees of a data directory, without changing it.
struct DataState {
  enum class Kind { absent, empty, formatted } kind = Kind::absent;
  engine::Descriptor probe_fd;  // where abilities can be probed: .millrace, DATA or DATA's parent
  engine::Descriptor system;    // DATA/.millrace, when it is there
  Format format;                // when formatted
};
Allowed<DataState> examine_data_directory(const std::string& path);

}  // namespace millrace::tools
