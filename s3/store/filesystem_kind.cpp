// Which filesystem lies below a descriptor: by statfs's f_type, and by the mount table for the
// name. Plain system calls at start, on the main thread.
#include "engine/descriptor.h"
#include "s3/store/abilities.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace millrace::s3::store {
namespace {

// Values from include/uapi/linux/magic.h of Linux 6.18, and from the sources of ZFS, Lustre and
// bcachefs.
constexpr std::pair<std::uint64_t, FilesystemKind> magic_numbers[] = {
    {0xef53, FilesystemKind::ext4},       {0x58465342, FilesystemKind::xfs},
    {0x9123683e, FilesystemKind::btrfs},  {0x01021994, FilesystemKind::tmpfs},
    {0x858458f6, FilesystemKind::tmpfs},  {0x794c7630, FilesystemKind::overlay},
    {0x6969, FilesystemKind::nfs},        {0x00c36400, FilesystemKind::cephfs},
    {0x0bd00bd0, FilesystemKind::lustre}, {0x65735546, FilesystemKind::fuse},
    {0x01021997, FilesystemKind::ninep},  {0xfe534d42, FilesystemKind::smb},
    {0xff534d42, FilesystemKind::smb},    {0x2fc12fc1, FilesystemKind::zfs},
    {0xf2f52010, FilesystemKind::f2fs},   {0xca451a4e, FilesystemKind::bcachefs},
};

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::string read_mount_table() {
  const engine::Descriptor file(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  std::string text;
  char piece[4096];
  for (;;) {
    const ssize_t bytes = file ? ::read(file.get(), piece, sizeof piece) : 0;
    if (bytes <= 0) return text;
    text.append(piece, static_cast<std::size_t>(bytes));
  }
}

}  // namespace

FilesystemKind filesystem_kind(std::uint64_t f_type, std::string_view type_name) {
  for (const auto& [magic, kind] : magic_numbers) {
    if (magic != f_type) continue;
    const bool gluster = kind == FilesystemKind::fuse && type_name == "fuse.glusterfs";
    return gluster ? FilesystemKind::glusterfs : kind;
  }
  return FilesystemKind::unknown;
}

// A line is "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS" (proc(5)).
std::string_view mount_type_name(std::string_view mountinfo, std::uint64_t mount_id) {
  while (!mountinfo.empty()) {
    const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    const std::string_view number = next_word(line);
    std::uint64_t id = 0;
    std::from_chars(number.data(), number.data() + number.size(), id);
    if (number.empty() || id != mount_id) continue;
    const std::size_t separator = line.find(" - ");
    if (separator == std::string_view::npos) return {};
    line.remove_prefix(separator + 3);
    return next_word(line);
  }
  return {};
}

void identify_filesystem(int fd, Abilities& abilities) {
  std::string table;
  std::string_view name;
  struct statx status = {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) == 0 &&
      (status.stx_mask & STATX_MNT_ID) != 0) {
    table = read_mount_table();
    name = mount_type_name(table, status.stx_mnt_id);
  }
  struct statfs filesystem = {};
  if (::fstatfs(fd, &filesystem) == 0) {
    // f_type is a signed long; the numbers have 32 bits.
    abilities.kind = filesystem_kind(static_cast<std::uint32_t>(filesystem.f_type), name);
  }
  if (name.empty()) name = "unknown";
  const std::size_t length = std::min(name.size(), abilities.type_name.size() - 1);
  std::copy_n(name.data(), length, abilities.type_name.data());
}

}  // namespace millrace::s3::store
