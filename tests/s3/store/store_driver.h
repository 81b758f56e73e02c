// A data directory of a test's own with one bucket, and short ways to put, read and remove
// objects in it through a store. Everything is checked by what is on the disk and by what a
// reader gets, not by what the store says of itself.
#pragma once

#include "s3/store/bucket.h"
#include "s3/store/read.h"
#include "s3/store/staging.h"
#include "s3/store/store.h"
#include "tests/engine/shard_driver.h"

#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace millrace::tests {

namespace st = s3::store;
using engine::Task;

// Where the tests' files are: with the fake ring, whose runs are many, in memory if that can do
// all that a disk can. Probed once: that takes up to 50 ms.
struct TestFilesystem {
  std::string above = "/tmp";
  st::Abilities abilities;

  static const TestFilesystem& get() {
    static const TestFilesystem chosen;
    return chosen;
  }

 private:
  TestFilesystem() {
    if (ring_kind().fake && probe("/dev/shm") && abilities.attribute_bytes_max >= 3500 &&
        abilities.tmpfile_link && abilities.rename_exchange && abilities.inotify) {
      above = "/dev/shm";
    } else {
      REQUIRE(probe("/tmp"));
    }
  }
  bool probe(const char* path) {
    const engine::Descriptor fd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::string scratch = "millrace-probe-" + std::to_string(::getpid());
    const auto probed = st::probe_abilities(fd.get(), scratch.c_str());
    if (probed) abilities = *probed;
    return probed.has_value();
  }
};

struct Site {
  explicit Site(st::Durability durability = st::Durability::strict) {
    REQUIRE(::mkdirat(directory.fd(), "bucket", 0755) == 0);
    REQUIRE(::mkdirat(directory.fd(), ".millrace", 0700) == 0);
    options.data_fd = directory.fd();
    options.durability = durability;
    options.abilities = TestFilesystem::get().abilities;
    options.suspect = &suspect;
  }
  std::string path(std::string_view below) const {
    return directory.path() + "/bucket/" + std::string(below);
  }
  bool exists(std::string_view below) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path(below)));
  }
  struct stat status(std::string_view below) const {
    struct stat status{};
    REQUIRE(::lstat(path(below).c_str(), &status) == 0);
    return status;
  }
  std::size_t entries(std::string_view below) const {
    if (!exists(below)) return 0;
    const std::filesystem::directory_iterator all(path(below));
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  // Nothing lies in staging/ and nothing is on its way.
  bool nothing_aside() const {
    return entries(".mr.sys/staging") == 0 && entries(".mr.sys/moving") == 0;
  }
  // Below the bucket, but for .mr.sys.
  std::set<std::string> tree() const {
    std::set<std::string> names;
    std::filesystem::recursive_directory_iterator at(path(""));
    for (; at != std::filesystem::recursive_directory_iterator(); ++at) {
      const auto name = std::filesystem::relative(at->path(), path("")).string();
      if (name == ".mr.sys") {
        at.disable_recursion_pending();
      } else {
        names.insert(name);
      }
    }
    return names;
  }
  void write_file(std::string_view below, std::string_view content) const {
    const engine::Descriptor file(
        ::open(path(below).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    REQUIRE(file);
    REQUIRE(::write(file.get(), content.data(), content.size()) ==
            static_cast<ssize_t>(content.size()));
  }

  TemporaryDirectory directory{TestFilesystem::get().above};
  st::StoreOptions options;
  st::KeyLocks locks;
  std::atomic<bool> suspect{false};
};

struct PutOptions {
  st::WriteConditions conditions = {};
  st::Ownership owner;
  std::vector<st::Pair> user;
  std::size_t parts = 0;
  st::Asker asker = {};
};

// Fills in what a handler would: an ETag that tells contents apart, user metadata, parts.
struct Described {
  Described(std::string_view content, const PutOptions& put) {
    meta.size = content.size();
    meta.content_type = "text/plain";
    const std::size_t hash = std::hash<std::string_view>()(content);
    std::memcpy(meta.etag.md5.data(), &hash, sizeof hash);
    user.resize(st::PackedPairs::packed_bytes(put.user));
    meta.user = *st::PackedPairs::pack(put.user, user);
    if (put.parts == 0) return;
    const std::vector<std::uint8_t> sum(4, 7);
    std::vector<st::Part> each;
    for (std::uint32_t i = 0; i < put.parts; ++i) each.push_back({i + 1, 1, sum});
    parts.resize(st::PackedParts::packed_bytes(put.parts, st::StoredChecksum::crc32));
    meta.parts = *st::PackedParts::pack(each, st::StoredChecksum::crc32, parts);
    meta.etag.kind = st::EtagKind::md5_of_parts;
    meta.etag.parts = static_cast<std::uint32_t>(put.parts);
  }
  st::MetadataView meta;
  std::vector<std::byte> user;
  std::vector<std::byte> parts;
};

inline void map_key(std::string_view key, st::MappedPath& path) {
  st::map(*st::Key::from_decoded(key), path);
}

// Stage, write, seal, publish, discard, as the handler does it.
inline Task<engine::Result<st::Replaced>> put(st::Store& store, std::string key,
                                              std::string content, PutOptions how = {}) {
  const st::StoreOptions& options = store.options();
  st::MappedPath path;
  map_key(key, path);
  Described described(content, how);
  st::StagedFile staged;
  staged.asker = how.asker;
  engine::Result<> ready = co_await st::stage(options, "bucket", staged);
  if (ready) ready = co_await engine::file::write(staged.file.get(), bytes_of(content), 0);
  if (ready) {
    ready = co_await st::seal(options, "bucket", staged, described.meta, how.owner);
  }
  engine::Result<st::Replaced> published;
  if (ready) {
    published = co_await store.publish("bucket", path, key, staged, described.meta,
                                       st::CommitKind::put, how.conditions);
  } else {
    published = std::unexpected(ready.error());
  }
  co_await st::discard(options, "bucket", staged);
  co_return published;
}

inline Task<engine::Result<st::Replaced>> remove(st::Store& store, std::string key,
                                                 st::WriteConditions conditions = {}) {
  st::MappedPath path;
  map_key(key, path);
  co_return co_await store.remove("bucket", path, key, conditions);
}

struct RenameOptions {
  http::Conditions from = {};
  http::Conditions to = {};
  std::string token = {};
};

inline Task<engine::Result<>> rename(st::Store& store, std::string from, std::string to,
                                     RenameOptions how = {}) {
  st::MappedPath source;
  map_key(from, source);
  st::MappedPath target;
  map_key(to, target);
  const st::RenameRequest request{.bucket = "bucket",
                                  .from = {source, from, how.from},
                                  .to = {target, to, how.to},
                                  .token = how.token,
                                  .asker = {}};
  co_return co_await store.rename(request);
}

struct Found {
  std::string content;
  std::string etag;
  std::string content_type;
  bool native = false;
  std::size_t user = 0;
  std::size_t parts = 0;
};

// Head and body by one descriptor. `of` may be another store's options.
inline Task<engine::Result<Found>> get(const st::StoreOptions& options, std::string key) {
  st::MappedPath path;
  map_key(key, path);
  st::OpenObject object;
  const auto opened =
      co_await st::open_object(options, "bucket", path, key, st::Detail::full, object);
  if (!opened) co_return std::unexpected(opened.error());
  Found found;
  found.content.resize(object.file_size);
  const auto got = co_await engine::file::read(object.file.get(),
                                               std::as_writable_bytes(std::span(found.content)), 0);
  if (!got) co_return std::unexpected(got.error());
  CHECK(*got == object.file_size);
  found.etag = object.etag();
  found.content_type = object.meta.content_type;
  found.native = object.native;
  for ([[maybe_unused]] const auto pair : object.meta.user) ++found.user;
  if (!object.meta.parts.empty()) found.parts = object.meta.parts.size();
  co_return found;
}

inline Task<std::string> content(const st::StoreOptions& options, std::string key) {
  const auto found = co_await get(options, std::move(key));
  co_return found ? found->content : std::string("(") + engine::describe(found.error()) + ")";
}

inline const std::string absent =
    std::string("(") + engine::describe(engine::Error::from_errno(ENOENT)) + ")";

// Bodies run beside each other on the shard; waits for all.
inline Task<> all(engine::TaskGroup& group, std::vector<Task<>> tasks) {
  for (auto& task : tasks) group.adopt(std::move(task));
  co_await group.join();
}

}  // namespace millrace::tests
