// A passthrough of one directory through FUSE that delays chosen operations, for the tests of
// slow and hung storage. Built by the tests themselves (slow_mount.py), never part of Millrace.
//
//   slowfs SOURCE RULES [FUSE options] MOUNTPOINT
//
// RULES is a file with lines `OPERATION TEXT MILLISECONDS`: the operation (or `any`) waits while
// the path contains TEXT and the time is not up. It is read anew every 10 ms of a wait, so that
// emptying it ends every wait at once; a filesystem that hangs is a wait without end. A number below
// zero is no time, but what the operation fails with: -5 is EIO.
#define _GNU_SOURCE
#define FUSE_USE_VERSION 312

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int source;
static const char* source_path;
static const char* rules_path;

static long longest_ms(const char* operation, const char* path, int* failure) {
  FILE* rules = fopen(rules_path, "re");
  if (rules == NULL) return 0;
  char name[32], text[256];
  long ms = 0, longest = 0;
  while (fscanf(rules, "%31s %255s %ld", name, text, &ms) == 3) {
    const int chosen = strcmp(name, "any") == 0 || strcmp(name, operation) == 0;
    if (!chosen || strstr(path, text) == NULL) continue;
    if (ms > longest) longest = ms;
    if (ms < 0) *failure = (int)ms;
  }
  fclose(rules);
  return longest;
}

// 0, or what the operation fails with.
static int pass(const char* operation, const char* path) {
  const struct timespec pause = {0, 10 * 1000 * 1000};
  int failure = 0;
  for (long waited = 0; waited < longest_ms(operation, path, &failure); waited += 10) {
    nanosleep(&pause, NULL);
  }
  return failure;
}

#define PASS(operation, path)                       \
  do {                                              \
    const int failure = pass((operation), (path));  \
    if (failure != 0) return failure;               \
  } while (0)

// Below the source: openat and its kin want a relative path.
static const char* below(const char* path) { return path[1] == '\0' ? "." : path + 1; }

// Calls on attributes take no directory descriptor.
static const char* whole(const char* path, char* into, size_t room) {
  snprintf(into, room, "%s%s", source_path, path);
  return into;
}

static int result(int value) { return value < 0 ? -errno : 0; }

static int fs_getattr(const char* path, struct stat* out, struct fuse_file_info* file) {
  PASS("getattr", path);
  if (file != NULL) return result(fstat((int)file->fh, out));
  return result(fstatat(source, below(path), out, AT_SYMLINK_NOFOLLOW));
}

static int fs_mkdir(const char* path, mode_t mode) {
  PASS("mkdir", path);
  return result(mkdirat(source, below(path), mode));
}

static int fs_unlink(const char* path) {
  PASS("unlink", path);
  return result(unlinkat(source, below(path), 0));
}

static int fs_rmdir(const char* path) {
  PASS("rmdir", path);
  return result(unlinkat(source, below(path), AT_REMOVEDIR));
}

static int fs_rename(const char* from, const char* to, unsigned flags) {
  PASS("rename", to);
  return result(renameat2(source, below(from), source, below(to), flags));
}

static int fs_link(const char* from, const char* to) {
  PASS("link", to);
  return result(linkat(source, below(from), source, below(to), 0));
}

static int fs_chmod(const char* path, mode_t mode, struct fuse_file_info* file) {
  PASS("chmod", path);
  return result(file ? fchmod((int)file->fh, mode) : fchmodat(source, below(path), mode, 0));
}

static int fs_chown(const char* path, uid_t uid, gid_t gid, struct fuse_file_info* file) {
  PASS("chown", path);
  if (file != NULL) return result(fchown((int)file->fh, uid, gid));
  return result(fchownat(source, below(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int fs_truncate(const char* path, off_t bytes, struct fuse_file_info* file) {
  PASS("truncate", path);
  if (file != NULL) return result(ftruncate((int)file->fh, bytes));
  char name[4096];
  return result(truncate(whole(path, name, sizeof name), bytes));
}

static int fs_utimens(const char* path, const struct timespec times[2],
                      struct fuse_file_info* file) {
  PASS("utimens", path);
  if (file != NULL) return result(futimens((int)file->fh, times));
  return result(utimensat(source, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int keep(int fd, struct fuse_file_info* file) {
  if (fd < 0) return -errno;
  file->fh = (uint64_t)fd;
  return 0;
}

static int fs_open(const char* path, struct fuse_file_info* file) {
  PASS("open", path);
  return keep(openat(source, below(path), (file->flags & ~O_NOFOLLOW) | O_CLOEXEC), file);
}

static int fs_create(const char* path, mode_t mode, struct fuse_file_info* file) {
  PASS("create", path);
  return keep(openat(source, below(path), file->flags | O_CREAT | O_CLOEXEC, mode), file);
}

static int fs_read(const char* path, char* into, size_t bytes, off_t at,
                   struct fuse_file_info* file) {
  PASS("read", path);
  const ssize_t got = pread((int)file->fh, into, bytes, at);
  return got < 0 ? -errno : (int)got;
}

static int fs_write(const char* path, const char* from, size_t bytes, off_t at,
                    struct fuse_file_info* file) {
  PASS("write", path);
  const ssize_t put = pwrite((int)file->fh, from, bytes, at);
  return put < 0 ? -errno : (int)put;
}

static int fs_fsync(const char* path, int data, struct fuse_file_info* file) {
  PASS("fsync", path);
  return result(data ? fdatasync((int)file->fh) : fsync((int)file->fh));
}

static int fs_release(const char* path, struct fuse_file_info* file) {
  (void)path;
  return result(close((int)file->fh));
}

static int fs_opendir(const char* path, struct fuse_file_info* file) {
  PASS("opendir", path);
  return keep(openat(source, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC), file);
}

// A description of its own for each reading: `fh` may be read by several threads at once.
static int fs_readdir(const char* path, void* into, fuse_fill_dir_t fill, off_t at,
                      struct fuse_file_info* file, enum fuse_readdir_flags flags) {
  (void)at, (void)file, (void)flags;
  PASS("readdir", path);
  const int fd = openat(source, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = fd < 0 ? NULL : fdopendir(fd);
  if (directory == NULL) return -errno;
  const struct dirent* entry;
  while ((entry = readdir(directory)) != NULL) {
    const struct stat kind = {.st_ino = entry->d_ino, .st_mode = (mode_t)(entry->d_type << 12)};
    if (fill(into, entry->d_name, &kind, 0, 0) != 0) break;
  }
  closedir(directory);
  return 0;
}

static int fs_statfs(const char* path, struct statvfs* out) {
  PASS("statfs", path);
  return result(fstatvfs(source, out));
}

static int fs_setxattr(const char* path, const char* name, const char* value, size_t bytes,
                       int flags) {
  PASS("setxattr", path);
  char at[4096];
  return result(lsetxattr(whole(path, at, sizeof at), name, value, bytes, flags));
}

static int fs_getxattr(const char* path, const char* name, char* into, size_t room) {
  PASS("getxattr", path);
  char at[4096];
  const ssize_t got = lgetxattr(whole(path, at, sizeof at), name, into, room);
  return got < 0 ? -errno : (int)got;
}

static void* fs_init(struct fuse_conn_info* connection, struct fuse_config* config) {
  (void)connection;
  config->use_ino = 1;
  config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;  // nothing cached
  return NULL;
}

static struct fuse_operations operations = {
    .init = fs_init,         .getattr = fs_getattr,   .mkdir = fs_mkdir,
    .unlink = fs_unlink,     .rmdir = fs_rmdir,       .rename = fs_rename,
    .link = fs_link,         .chmod = fs_chmod,       .chown = fs_chown,
    .truncate = fs_truncate, .utimens = fs_utimens,   .open = fs_open,
    .create = fs_create,     .read = fs_read,         .write = fs_write,
    .fsync = fs_fsync,       .fsyncdir = fs_fsync,    .release = fs_release,
    .releasedir = fs_release, .opendir = fs_opendir,  .readdir = fs_readdir,
    .statfs = fs_statfs,     .setxattr = fs_setxattr, .getxattr = fs_getxattr,
};

int main(int count, char** arguments) {
  if (count < 4) return 2;
  source_path = arguments[1];
  rules_path = arguments[2];
  source = open(source_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (source < 0) return 1;
  umask(0);
  if (getenv("SLOWFS_NO_ATTRIBUTES") != NULL) {
    operations.setxattr = NULL;
    operations.getxattr = NULL;
  }
  arguments[2] = arguments[0];
  return fuse_main(count - 2, arguments + 2, &operations, NULL);
}
