// Opening, locking and examining a data directory. Plain system calls on the main thread.
#include "tools/data_directory.h"

#include "engine/small_file.h"
#include "tools/toml_document.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace millrace::tools {
namespace {

using engine::Descriptor;

constexpr const char* own_directory = "give a directory that this user owns";
constexpr const char* newer_version = "start the version of millrace that wrote it, or a newer one";
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

Allowed<unsigned> whole_number(const TomlEntry& entry, const std::string& path) {
  unsigned value = 0;
  const std::string text = entry.plain && entry.values.size() == 1 ? entry.values[0] : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return value;
  return refuse(path, entry.key + " isn't a whole number", restore_format);
}

Allowed<> check_levels(const Format& format, const std::string& path) {
  const auto newer = [&](const char* what, unsigned found, unsigned known) {
    return refuse(path, fmt::format("{} {}, but this version knows {}", what, found, known),
                  newer_version);
  };
  if (format.layout != Format::layout_known) {
    return newer("the layout is", format.layout, Format::layout_known);
  }
  if (format.readable > Format::level_known) {
    return newer("reading it needs feature level", format.readable, Format::level_known);
  }
  if (format.writable > Format::level_known) {
    return newer("writing it needs feature level", format.writable, Format::level_known);
  }
  if (format.mode != "standalone" && format.mode != "cluster") {
    return refuse(path, fmt::format("the mode is \"{}\"", format.mode), newer_version);
  }
  return {};
}

}  // namespace

Allowed<Format> parse_format(std::string_view text, const std::string& path) {
  auto entries = parse_toml(text, path);
  if (!entries.has_value()) return refuse(path, "can't be read as a format file", restore_format);
  Format format;
  unsigned found = 0;
  for (const TomlEntry& entry : *entries) {
    unsigned* number = entry.key == "layout"     ? &format.layout
                       : entry.key == "readable" ? &format.readable
                       : entry.key == "writable" ? &format.writable
                                                 : nullptr;
    std::string* word = entry.key == "mode" ? &format.mode
                        : entry.key == "id" ? &format.id
                                            : nullptr;
    if (entry.key == "cluster" && entry.plain && entry.values.size() == 1) {
      format.cluster = entry.values[0];
    }
    if (number != nullptr) {
      auto value = whole_number(entry, path);
      if (!value.has_value()) return std::unexpected(std::move(value.error()));
      *number = *value;
      ++found;
    } else if (entry.key == "attributes") {
      format.attributes_beside = entry.values.size() == 1 && entry.values[0] == "beside";
    } else if (word != nullptr && entry.plain && entry.values.size() == 1) {
      *word = entry.values[0];
      ++found;
    }
  }
  // Levels first: a newer layout may well have dropped a field.
  if (auto levels = check_levels(format, path); !levels.has_value()) {
    return std::unexpected(std::move(levels.error()));
  }
  if (found < 5 || format.id.empty()) {
    return refuse(path, "lacks layout, readable, writable, mode or id", restore_format);
  }
  if ((format.mode == "cluster") == format.cluster.empty()) {
    return refuse(path, "its mode and its cluster do not fit", restore_format);
  }
  return format;
}

std::string format_text(const Format& format) {
  return fmt::format(
      "# Written by millrace when it first served this directory. Don't edit or remove it.\n"
      "layout = {}\nreadable = {}\nwritable = {}\nmode = {}\nid = {}\n{}{}",
      format.layout, format.readable, format.writable, toml_string(format.mode),
      toml_string(format.id),
      format.cluster.empty() ? "" : fmt::format("cluster = {}\n", toml_string(format.cluster)),
      format.attributes_beside ? "attributes = \"beside\"\n" : "");
}

Allowed<> apply_format(const Format& format, const std::string& path,
                       s3::store::Abilities& abilities) {
  if (format.attributes_beside) {
    abilities.attribute_bytes_max = 0;
  } else if (abilities.attribute_bytes_max == 0) {
    return refuse(path, "its objects have extended attributes, but files here take none now",
                  "mount the filesystem as it was when they were written");
  }
  return {};
}

namespace {

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

Allowed<> check_cluster(const Format& format, const std::string& path, std::string_view cluster) {
  if (format.cluster.empty() || format.cluster == cluster) return {};
  if (cluster.empty()) {
    return refuse(path, fmt::format("belongs to the cluster {}", format.cluster),
                  "serve it with --config-fs, or run `millrace cluster destroy`");
  }
  return refuse(path, fmt::format("belongs to another cluster, {}", format.cluster),
                "destroy that cluster first, or give another directory");
}

Allowed<DataDirectory> DataDirectory::open_locked(const std::string& path, short lock_type) {
  DataDirectory directory;
  directory.path_ = path;
  auto data = make_and_open(path);
  if (!data.has_value()) return std::unexpected(std::move(data.error()));
  directory.data_ = std::move(*data);
  auto system = open_system_directory(directory.data_, path, true);
  if (!system.has_value()) return std::unexpected(std::move(system.error()));
  directory.system_ = std::move(*system);
  auto lock = take_lock(directory.system_, path, lock_type);
  if (!lock.has_value()) return std::unexpected(std::move(lock.error()));
  directory.lock_ = std::move(*lock);
  auto format = read_format(directory.system_, path);
  if (!format.has_value()) return std::unexpected(std::move(format.error()));
  // An empty id: there is none yet.
  directory.format_ = std::move(*format).value_or(Format{});
  return directory;
}

Allowed<DataDirectory> DataDirectory::open(const std::string& path, std::string_view cluster) {
  auto directory = open_locked(path, F_WRLCK);
  if (!directory.has_value()) return directory;
  if (directory->format_.id.empty()) {
    auto made = new_format(directory->lock_, path);
    if (!made.has_value()) return std::unexpected(std::move(made.error()));
    if (auto written = write_format(directory->system_, path, *made); !written.has_value()) {
      return std::unexpected(std::move(written.error()));
    }
    directory->format_ = std::move(*made);
  }
  if (auto own = check_cluster(directory->format_, path, cluster); !own.has_value()) {
    return std::unexpected(std::move(own.error()));
  }
  return directory;
}

Allowed<DataDirectory> DataDirectory::open_shared(const std::string& path,
                                                  std::string_view cluster) {
  auto directory = open_locked(path, F_RDLCK);
  if (directory.has_value() && directory->format_.cluster.empty()) {
    directory->unlock();
    auto alone = open(path, cluster);
    if (!alone.has_value()) return alone;
    if (auto given = alone->give_to(cluster); !given.has_value()) {
      return std::unexpected(std::move(given.error()));
    }
    alone->unlock();
    directory = open_locked(path, F_RDLCK);
  }
  if (!directory.has_value()) return directory;
  if (auto own = check_cluster(directory->format_, path, cluster); !own.has_value()) {
    return std::unexpected(std::move(own.error()));
  }
  directory->key_locks_ = Descriptor(::openat(directory->system_fd(), "key-locks",
                                              O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!directory->key_locks_) {
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
