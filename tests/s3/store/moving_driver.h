// A bucket on a filesystem that can't exchange (or pretends not to), with objects that are their
// own text, and what their names look like from outside.
#pragma once

#include "s3/store/moving.h"
#include "s3/store/read.h"
#include "s3/store/store.h"
#include "tests/engine/shard_driver.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>

namespace millrace::tests {

namespace st = s3::store;
using engine::Task;

struct Lacking {
  bool tmpfile = true;                                // GlusterFS has no O_TMPFILE,
  st::DirectorySync sync = st::DirectorySync::works;  // and its directory syncs do nothing
  bool local = true;
  bool exchange = false;
};
inline constexpr Lacking only_exchange{};
inline constexpr Lacking like_gluster{
    .tmpfile = false, .sync = st::DirectorySync::ignored, .local = false};

// In memory: these tests sync a lot and cut no power.
class DirectoryInMemory {
 public:
  DirectoryInMemory() {
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
    fd_ = engine::Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~DirectoryInMemory() { std::filesystem::remove_all(path_); }
  DirectoryInMemory(const DirectoryInMemory&) = delete;
  DirectoryInMemory& operator=(const DirectoryInMemory&) = delete;
  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/dev/shm/millrace-moving-XXXXXX";
  engine::Descriptor fd_;
};

// Asked once: that alone takes 25 ms.
inline const st::Abilities& abilities_of(int fd) {
  static const auto probed = st::probe_abilities(fd, "probe");
  REQUIRE(probed);
  return *probed;
}

struct MovingBucket {
  explicit MovingBucket(Lacking lacking = {}) {
    REQUIRE(::mkdirat(directory.fd(), ".millrace", 0755) == 0);
    REQUIRE(::mkdirat(directory.fd(), "bkt", 0755) == 0);
    options.data_fd = directory.fd();
    options.abilities = abilities_of(directory.fd());
    if (!lacking.exchange) options.abilities.rename_exchange.errnum = EINVAL;
    if (!lacking.tmpfile) options.abilities.tmpfile_link.errnum = EOPNOTSUPP;
    options.abilities.directory_sync = lacking.sync;
    options.abilities.local = options.abilities.local && lacking.local;
  }
  std::string path(std::string_view below) const {
    return directory.path() + "/bkt/" + std::string(below);
  }
  bool is_directory(std::string_view below) const {
    return std::filesystem::is_directory(path(below));
  }
  bool exists(std::string_view below) const { return std::filesystem::exists(path(below)); }
  std::size_t names_in(std::string_view below) const {
    if (!exists(below)) return 0;
    const std::filesystem::directory_iterator entries(path(below));
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }
  std::size_t aside() const { return names_in(".mr.sys/moving"); }

  DirectoryInMemory directory;
  st::StoreOptions options;
  st::KeyLocks locks;
};

struct Place {
  explicit Place(std::string_view key_in) : key(key_in) {
    st::map(*st::Key::from_decoded(key), path);
  }
  const std::string key;
  st::MappedPath path;
};

inline Task<engine::Result<st::Replaced>> put(st::Store& store, std::string_view key,
                                              std::string text,
                                              st::WriteConditions conditions = {}) {
  Place place(key);
  st::StagedFile staged;
  st::MetadataView meta;
  meta.size = text.size();
  meta.content_type = "text/plain";
  auto staging = co_await st::stage(store.options(), "bkt", staged);
  if (staging) staging = co_await engine::file::write(staged.file.get(), bytes_of(text), 0);
  if (staging) staging = co_await st::seal(store.options(), "bkt", staged, meta, {});
  engine::Result<st::Replaced> done =
      staging ? co_await store.publish("bkt", place.path, key, staged, meta, st::CommitKind::put,
                                       conditions)
              : engine::Result<st::Replaced>(std::unexpected(staging.error()));
  co_await st::discard(store.options(), "bkt", staged);
  co_return done;
}

inline Task<engine::Result<st::Replaced>> remove(st::Store& store, std::string_view key) {
  Place place(key);
  co_return co_await store.remove("bkt", place.path, key);
}

// Nothing: there is none. Another error ends the test.
inline Task<std::optional<std::string>> get(const st::Store& store, std::string_view key) {
  Place place(key);
  st::OpenObject object;
  const auto opened =
      co_await st::open_object(store.options(), "bkt", place.path, key, st::Detail::full, object);
  if (!opened) {
    CAPTURE(opened.error().sys);
    REQUIRE(opened.error().is(ENOENT));
    co_return std::nullopt;
  }
  CHECK(object.native);
  std::string text(object.file_size, '\0');
  REQUIRE(::pread(object.file.get(), text.data(), text.size(), 0) ==
          static_cast<ssize_t>(text.size()));
  co_return text;
}

}  // namespace millrace::tests
