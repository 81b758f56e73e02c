// What a filesystem can do, on the filesystems that every Linux machine has at hand.
#include "s3/store/abilities.h"

#include "engine/descriptor.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

using namespace millrace;
using s3::store::FilesystemKind;

constexpr std::string_view mount_table =
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "270 27 0:51 / /mnt/vol rw shared:7 master:2 - fuse.glusterfs host:/vol rw,user_id=0\n"
    "41 27 0:60 / /mnt/a\\040b rw - xfs /dev/loop0 rw\n";

struct Directory {
  explicit Directory(const char* below) {
    path = std::string(below) + "/millrace-abilities-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    fd = engine::Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(fd);
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string path;
  engine::Descriptor fd;
};

}  // namespace

TEST_CASE("the mount table names a filesystem by the whole mount id") {
  CHECK(s3::store::mount_type_name(mount_table, 27) == "ext4");
  CHECK(s3::store::mount_type_name(mount_table, 270) == "fuse.glusterfs");
  CHECK(s3::store::mount_type_name(mount_table, 41) == "xfs");
  CHECK(s3::store::mount_type_name(mount_table, 2).empty());
  CHECK(s3::store::mount_type_name("27 1 254:0 / / rw", 27).empty());
}

TEST_CASE("GlusterFS is told from other FUSE filesystems by its name") {
  CHECK(s3::store::filesystem_kind(0x65735546, "fuse.glusterfs") == FilesystemKind::glusterfs);
  CHECK(s3::store::filesystem_kind(0x65735546, "fuse.sshfs") == FilesystemKind::fuse);
  CHECK(s3::store::filesystem_kind(0xef53, "ext4") == FilesystemKind::ext4);
  CHECK(s3::store::filesystem_kind(0x9123683e, "btrfs") == FilesystemKind::btrfs);
  CHECK(s3::store::filesystem_kind(0x12345678, "new") == FilesystemKind::unknown);
}

TEST_CASE("tmpfs: renames, links and locks work, blocks aren't shared, nothing outlives power") {
  const Directory directory("/dev/shm");
  const auto abilities = s3::store::probe_abilities(directory.fd.get(), "probe");
  REQUIRE(abilities.has_value());
  CHECK(abilities->kind == FilesystemKind::tmpfs);
  CHECK(abilities->type() == "tmpfs");
  CHECK(abilities->local);
  CHECK_FALSE(abilities->persistent);
  CHECK(abilities->tmpfile_link);
  CHECK(abilities->hard_link);
  CHECK(abilities->rename_noreplace);
  CHECK(abilities->rename_exchange);
  CHECK(abilities->ofd_lock);
  CHECK(abilities->copy_file_range);
  CHECK(abilities->inotify);
  CHECK_FALSE(abilities->reflink);
  CHECK(abilities->reflink.errnum != 0);
  CHECK(abilities->directory_sync == s3::store::DirectorySync::works);
  CHECK(abilities->timestamp_unit_ns == 1);
  CHECK(abilities->timestamp_tick_ns > 0);
}

TEST_CASE("a probe leaves nothing behind and clears what a killed one left") {
  const Directory directory("/dev/shm");
  REQUIRE(::mkdirat(directory.fd.get(), "probe", 0700) == 0);
  const engine::Descriptor stale(
      ::openat(directory.fd.get(), "probe/from", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  REQUIRE(stale);
  const auto abilities = s3::store::probe_abilities(directory.fd.get(), "probe");
  REQUIRE(abilities.has_value());
  CHECK(abilities->rename_noreplace);
  CHECK(std::filesystem::is_empty(directory.path));
}

TEST_CASE("a probe that has no directory to work in gives the errno") {
  const Directory directory("/dev/shm");
  const auto missing = s3::store::probe_abilities(directory.fd.get(), "absent/probe");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().is(ENOENT));
}
