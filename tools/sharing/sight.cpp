// See sight.h. Nothing is synced: it takes long on a busy disk, and a memory of names for a second
// would have run out before it is looked at. Files are closed, as the store does before it answers.
#include "tools/sharing/sight.h"

#include "engine/small_file.h"
#include "tools/refusal.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string_view>
#include <tuple>

namespace millrace::tools::sharing {
namespace {

using engine::Descriptor;

constexpr std::size_t record_bytes = 16;

std::string record(unsigned round) {
  return fmt::format("{:0{}}", round, record_bytes);
}
std::string name_of(unsigned round) {
  return fmt::format("name-{}", round);
}
std::string directory_of(unsigned round) {
  return fmt::format("directory-{}", round);
}
int outcome(long result) {
  return result < 0 ? errno : 0;
}
bool of_a_round(std::string_view name) {
  return name.starts_with("name-") || name.starts_with("directory-");
}

template <class Visit>
int each_name(int folder, Visit visit) {
  const int opened = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = opened < 0 ? nullptr : ::fdopendir(opened);
  if (entries == nullptr) {
    const int errnum = errno;
    if (opened >= 0) ::close(opened);
    return errnum;
  }
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") visit(std::string(name));
  }
  ::closedir(entries);
  return 0;
}

}  // namespace

int Sight::open(bool make) {
  grown_ = Descriptor(
      ::openat(folder_, "grown", O_RDWR | O_NOFOLLOW | O_CLOEXEC | (make ? O_CREAT : 0), 0600));
  return grown_ ? 0 : errno;
}

int Sight::replace(unsigned round) const {
  const std::string text = record(round);
  const int errnum = [&] {
    const Descriptor file(
        ::openat(folder_, "content.new", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return file ? outcome(::pwrite(file.get(), text.data(), text.size(), 0)) : errno;
  }();
  return errnum != 0 ? errnum : outcome(::renameat(folder_, "content.new", folder_, "content"));
}

int Sight::grow(unsigned round) const {
  const Descriptor file(::openat(folder_, "grown", O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return errno;
  const std::string text = record(round);
  return outcome(
      ::pwrite(file.get(), text.data(), text.size(), static_cast<off_t>(round * record_bytes)));
}

int Sight::leave(unsigned round) const {
  if (const int errnum = replace(round); errnum != 0) return errnum;
  if (const int errnum = grow(round); errnum != 0) return errnum;
  if (::linkat(folder_, "content", folder_, name_of(round).c_str(), 0) < 0 ||
      ::mkdirat(folder_, directory_of(round).c_str(), 0700) < 0) {
    return errno;
  }
  if (round == 0) return 0;
  if (::unlinkat(folder_, name_of(round - 1).c_str(), 0) < 0) return errno;
  return outcome(::unlinkat(folder_, directory_of(round - 1).c_str(), AT_REMOVEDIR));
}

void Sight::remember(unsigned next_round) const {
  struct stat status = {};
  const auto ask = [&](const std::string& name) {
    std::ignore = ::fstatat(folder_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW);
  };
  each_name(folder_, [](const std::string&) {});
  for (const unsigned round : {next_round, next_round - 1}) {
    ask(name_of(round));
    ask(directory_of(round));
  }
  ask("content");
  ask("grown");
}

std::optional<std::string> Sight::missed_content(unsigned round) const {
  const std::string text = record(round);
  const Descriptor file(::openat(folder_, "content", O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat opened = {};
  struct stat named = {};
  if (!file || ::fstat(file.get(), &opened) < 0 ||
      ::fstatat(folder_, "content", &named, AT_SYMLINK_NOFOLLOW) < 0) {
    return "a file that was replaced can't be opened: " + errno_text(errno);
  }
  if (engine::read_small_file(file.get()).value_or("") != text || opened.st_ino != named.st_ino) {
    return "a file that was replaced is still the old one";
  }
  std::string tail(record_bytes, '\0');
  const auto at = static_cast<off_t>(round * record_bytes);
  const ssize_t got = ::pread(grown_.get(), tail.data(), tail.size(), at);
  if (got != static_cast<ssize_t>(record_bytes) || tail != text) {
    return "what was written to an open file is not there";
  }
  if (::fstatat(folder_, "grown", &named, AT_SYMLINK_NOFOLLOW) < 0 ||
      named.st_size != at + static_cast<off_t>(record_bytes)) {
    return "a file that has grown has its old size";
  }
  return std::nullopt;
}

std::optional<std::string> Sight::missed_names(unsigned round) const {
  struct stat status = {};
  const auto there = [&](const std::string& name) {
    return ::fstatat(folder_, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  };
  if (!there(name_of(round))) return "a new name is not there";
  if (!there(directory_of(round))) return "a new directory is not there";
  if (round > 0 && (there(name_of(round - 1)) || there(directory_of(round - 1)))) {
    return "a name that was removed is still there";
  }
  return std::nullopt;
}

std::optional<std::string> Sight::missed_listing(unsigned round) const {
  std::set<std::string> listed;
  const int errnum = each_name(folder_, [&](const std::string& name) {
    if (of_a_round(name)) listed.insert(name);
  });
  if (errnum != 0) {
    return "the directory can't be listed: " + errno_text(errnum);
  }
  if (listed != std::set{name_of(round), directory_of(round)}) {
    return "a directory that was changed is listed as it was";
  }
  return std::nullopt;
}

std::optional<std::string> Sight::missed(unsigned round) const {
  auto words = missed_content(round);
  if (!words) words = missed_names(round);
  return words ? words : missed_listing(round);
}

void Sight::clear(int folder) {
  std::set<std::string> names;
  each_name(folder, [&](const std::string& name) { names.insert(name); });
  for (const std::string& name : names) {
    if (::unlinkat(folder, name.c_str(), 0) < 0) {
      ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
    }
  }
}

}  // namespace millrace::tools::sharing
