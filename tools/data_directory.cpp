// Opening, locking and examining a data directory. Plain system calls on the main thread.
#include "tools/data_directory.h"

#include "engine/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

namespace millrace::tools {
namespace {

using engine::Descriptor;

constexpr const char* own_directory = "give a directory that this user owns";
constexpr const char* restore_format = "restore the file from a backup, don't remove it";

Allowed<Descriptor> open_directory(const std::string& path) {
  Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) {
    if (errno == ENOTDIR) return refuse(path, "isn't a directory", "give --data a directory");
    return refuse_errno(path, errno, own_directory);
  }
  if (::faccessat(directory.get(), ".", W_OK | X_OK, AT_EACCESS) < 0) {
    return refuse(path, fmt::format("can't be written ({})", errno_text(errno)), own_directory);
  }
  return directory;
}

std::string parent_of(const std::string& path) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.ends_with('/')) trimmed.pop_back();
  const std::size_t slash = trimmed.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : trimmed.substr(0, slash);
}

// Makes the last component only: a mistyped mount point shouldn't become a tree on the root disk.
Allowed<Descriptor> make_and_open(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) {
    const Descriptor parent(::open(parent_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const int errnum = parent ? engine::sync_directory(parent.get()) : errno;
    if (errnum != 0) {
      return refuse(path, "its parent can't be synced: " + errno_text(errnum), own_directory);
    }
  } else if (errno != EEXIST) {
    return refuse(path, "can't be made: " + errno_text(errno),
                  "make the directory, owned by the server's user");
  }
  return open_directory(path);
}

Allowed<Descriptor> open_system_directory(const Descriptor& data, const std::string& path,
                                          bool make) {
  const std::string name = path + "/" + system_directory_name;
  if (make && ::mkdirat(data.get(), system_directory_name, 0700) == 0) {
    if (const int errnum = engine::sync_directory(data.get()); errnum != 0) {
      return refuse_errno(name, errnum, "look at the kernel's log");
    }
  } else if (make && errno != EEXIST) {
    return refuse(name, "can't be made: " + errno_text(errno), own_directory);
  }
  Descriptor system(
      ::openat(data.get(), system_directory_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!system && (make || errno != ENOENT)) return refuse_errno(name, errno, own_directory);
  return system;
}

struct Directories {
  Descriptor data;
  Descriptor system;  // none where it isn't there and is not to be made
};

Allowed<Directories> open_directories(const std::string& path, bool make) {
  auto data = make ? make_and_open(path) : open_directory(path);
  if (!data.has_value()) return std::unexpected(std::move(data.error()));
  auto system = open_system_directory(*data, path, make);
  if (!system.has_value()) return std::unexpected(std::move(system.error()));
  return Directories{.data = std::move(*data), .system = std::move(*system)};
}

std::unexpected<Refusal> refuse_locked(int lock_fd, const std::string& path) {
  const std::string holder = engine::read_small_file(lock_fd).value_or("");
  const std::string who = holder.substr(0, holder.find('\n'));
  return refuse(path, who.empty() ? "another server uses it" : "a server uses it: " + who,
                "stop that server, or give this one its own --data");
}

std::string holder_text() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return fmt::format("process {} on {}\n", ::getpid(), host);
}

struct flock whole_file(short type) {
  struct flock whole = {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
  return whole;
}

// An open-file-description lock: it belongs to this descriptor alone, so nothing that opens and
// closes the same file elsewhere in the process can drop it (fcntl(2)).
Allowed<Descriptor> take_lock(const Descriptor& system, const std::string& path, short type) {
  const std::string name = path + "/" + system_directory_name + "/lock";
  Descriptor lock(::openat(system.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock) return refuse_errno(name, errno, own_directory);
  struct flock whole = whole_file(type);
  if (::fcntl(lock.get(), F_OFD_SETLK, &whole) < 0) {
    if (errno == EAGAIN || errno == EACCES) return refuse_locked(lock.get(), path);
    return refuse(name, "can't be locked: " + errno_text(errno),
                  "mount the filesystem with locks (NFS: without nolock)");
  }
  const std::string holder = type == F_RDLCK ? "containers of its cluster\n" : holder_text();
  if (::ftruncate(lock.get(), 0) < 0 || ::pwrite(lock.get(), holder.data(), holder.size(), 0) < 0) {
    return refuse_errno(name, errno, own_directory);
  }
  return lock;
}

// Refuses when a server holds the lock; takes none.
Allowed<> test_lock(const Descriptor& system, const std::string& path) {
  const Descriptor lock(::openat(system.get(), "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!lock) return {};
  struct flock whole = whole_file(F_WRLCK);
  if (::fcntl(lock.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
    return refuse_locked(lock.get(), path);
  }
  return {};
}

// None when the file isn't there.
Allowed<std::optional<Format>> read_format(const Descriptor& system, const std::string& path) {
  const std::string name = path + "/" + system_directory_name + "/format";
  const Descriptor file(::openat(system.get(), "format", O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return refuse_errno(name, errno, own_directory);
  const auto text = engine::read_small_file(file.get());
  if (!text.has_value()) return refuse(name, engine::describe(text.error()), restore_format);
  auto format = parse_format(*text, name);
  if (!format.has_value()) return std::unexpected(std::move(format.error()));
  return std::optional(std::move(*format));
}

Allowed<> write_format(const Descriptor& system, const std::string& path, const Format& format) {
  const auto written = engine::write_small_file(system.get(), "format", format_text(format), 0644);
  if (written.has_value()) return {};
  return refuse(path + "/" + system_directory_name + "/format",
                std::string("can't be written: ") + engine::describe(written.error()),
                own_directory);
}

// The format of a directory that has none yet.
Allowed<Format> new_format(const Descriptor& lock, const std::string& path) {
  Format format;
  format.id = engine::random_text("0123456789abcdef", 32);
  constexpr const char* probe = "user.millrace.probe";
  if (::fsetxattr(lock.get(), probe, "", 0, 0) == 0) {
    ::fremovexattr(lock.get(), probe);
  } else if (errno == EOPNOTSUPP) {
    format.attributes_beside = true;
    format.readable = format.writable = 2;
  } else {
    return refuse_errno(path, errno, own_directory);
  }
  return format;
}

}  // namespace

Allowed<> DataDirectory::lock(short type) {
  auto lock = take_lock(system_, path_, type);
  if (!lock.has_value()) return std::unexpected(std::move(lock.error()));
  lock_ = std::move(*lock);
  return {};
}

Allowed<DataDirectory> DataDirectory::open(const std::string& path, Owner owner) {
  DataDirectory directory;
  directory.path_ = path;
  auto opened = open_directories(path, true);
  if (!opened.has_value()) return std::unexpected(std::move(opened.error()));
  directory.data_ = std::move(opened->data);
  directory.system_ = std::move(opened->system);
  if (auto locked = directory.lock(F_WRLCK); !locked.has_value()) {
    return std::unexpected(std::move(locked.error()));
  }
  auto format = read_format(directory.system_, path);
  if (!format.has_value()) return std::unexpected(std::move(format.error()));
  if (!format->has_value()) {
    auto made = new_format(directory.lock_, path);
    if (!made.has_value()) return std::unexpected(std::move(made.error()));
    if (auto written = write_format(directory.system_, path, *made); !written.has_value()) {
      return std::unexpected(std::move(written.error()));
    }
    *format = std::move(*made);
  }
  directory.format_ = std::move(**format);
  if (owner == Owner::nobody) {
    if (auto own = check_standalone(directory.format_, path); !own.has_value()) {
      return std::unexpected(std::move(own.error()));
    }
  }
  return directory;
}

namespace {

Allowed<Format> format_of_cluster(const Descriptor& system, const std::string& path,
                                  std::string_view id, std::string_view cluster) {
  constexpr const char* mount = "mount the cluster's data filesystem there";
  if (!system) return refuse(path, "is not the cluster's data: it has no .millrace", mount);
  auto format = read_format(system, path);
  if (!format.has_value()) return std::unexpected(std::move(format.error()));
  if (!format->has_value() || (*format)->id != id) {
    return refuse(path, "is not the cluster's data: it has another id", mount);
  }
  if ((*format)->cluster != cluster) {
    return refuse(path, "does not belong to this cluster any more", "see its .millrace/format");
  }
  return std::move(**format);
}

}  // namespace

Allowed<> DataDirectory::check_of_cluster(const std::string& path, std::string_view id,
                                          std::string_view cluster) {
  auto opened = open_directories(path, false);
  if (!opened.has_value()) return std::unexpected(std::move(opened.error()));
  auto format = format_of_cluster(opened->system, path, id, cluster);
  if (!format.has_value()) return std::unexpected(std::move(format.error()));
  return {};
}

Allowed<DataDirectory> DataDirectory::open_of_cluster(const std::string& path, std::string_view id,
                                                      std::string_view cluster, Sharing sharing) {
  if (auto there = check_of_cluster(path, id, cluster); !there.has_value()) {
    return std::unexpected(std::move(there.error()));
  }
  DataDirectory directory;
  directory.path_ = path;
  auto opened = open_directories(path, false);
  if (!opened.has_value()) return std::unexpected(std::move(opened.error()));
  directory.data_ = std::move(opened->data);
  directory.system_ = std::move(opened->system);
  if (auto locked = directory.lock(sharing == Sharing::shared ? F_RDLCK : F_WRLCK);
      !locked.has_value()) {
    return std::unexpected(std::move(locked.error()));
  }
  // Again, now that nobody changes it.
  auto format = format_of_cluster(directory.system_, path, id, cluster);
  if (!format.has_value()) return std::unexpected(std::move(format.error()));
  directory.format_ = std::move(*format);
  if (sharing == Sharing::alone) return directory;
  directory.key_locks_ = Descriptor(::openat(directory.system_fd(), "key-locks",
                                             O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!directory.key_locks_) {
    return refuse_errno(path + "/" + system_directory_name + "/key-locks", errno, own_directory);
  }
  return directory;
}

Allowed<> DataDirectory::give_to(std::string_view cluster) {
  Format format = format_;
  format.mode = cluster.empty() ? "standalone" : "cluster";
  format.cluster = cluster;
  if (auto written = write_format(system_, path_, format); !written.has_value()) return written;
  format_ = std::move(format);
  return {};
}

Allowed<DataState> examine_data_directory(const std::string& path) {
  DataState state;
  struct stat status = {};
  if (::stat(path.c_str(), &status) < 0 && errno == ENOENT) {
    auto parent = open_directory(parent_of(path));
    if (!parent.has_value()) {
      return refuse(path, "isn't there and can't be made: " + parent.error().why,
                    "make the directory, owned by the server's user");
    }
    state.probe_fd = std::move(*parent);
    return state;
  }
  auto data = open_directory(path);
  if (!data.has_value()) return std::unexpected(std::move(data.error()));
  auto system = open_system_directory(*data, path, false);
  if (!system.has_value()) return std::unexpected(std::move(system.error()));
  state.kind = DataState::Kind::empty;
  if (!*system) {
    state.probe_fd = std::move(*data);
    return state;
  }
  if (auto free = test_lock(*system, path); !free.has_value()) {
    return std::unexpected(std::move(free.error()));
  }
  auto format = read_format(*system, path);
  if (!format.has_value()) return std::unexpected(std::move(format.error()));
  if (format->has_value()) {
    state.kind = DataState::Kind::formatted;
    state.format = std::move(**format);
  }
  state.probe_fd = Descriptor(::fcntl(system->get(), F_DUPFD_CLOEXEC, 0));
  state.system = std::move(*system);
  return state;
}

}  // namespace millrace::tools
