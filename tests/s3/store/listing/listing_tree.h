// A bucket for tests of listing: keys written as plain files where they are mapped, the keys that
// should be there, and one page of them as text, both asked for and worked out by hand.
#pragma once

#include "s3/store/listing/list_page.h"
#include "s3/store/names.h"
#include "tests/engine/shard_driver.h"

#include <sys/stat.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace millrace::tests {

struct Listed {
  std::vector<std::string> entries;  // keys as they are, common prefixes behind "PRE "
  bool truncated = false;
  std::string last;
  bool operator==(const Listed&) const = default;
};

class ListingTree {
 public:
  // Shared: other hosts change it, too.
  explicit ListingTree(bool watched = true, bool shared = false) {
    options.abilities.shared = shared;
    options.data_fd = directory.fd();
    options.abilities.local = watched;
    if (watched) options.abilities.inotify.errnum = 0;
    options.abilities.timestamp_tick_ns = 10'000'000;
    options.abilities.attribute_bytes_max = 3500;
    REQUIRE(::mkdirat(directory.fd(), "bkt", 0755) == 0);
  }

  // False: not a key.
  bool put(const std::string& key) {
    const auto parsed = s3::store::Key::from_decoded(key);
    if (!parsed) return false;
    s3::store::MappedPath path;
    s3::store::map(*parsed, path);
    engine::Descriptor at = parent(path, true);
    const std::string leaf(path.name(path.names() - 1));
    struct stat status{};
    engine::Descriptor file;
    if (::fstatat(at.get(), leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(status.st_mode)) {
      file = create(at.get(), leaf + "/.mr.f");
    } else {
      file = create(at.get(), leaf);
    }
    REQUIRE(file);
    REQUIRE(::write(file.get(), key.data(), key.size()) == static_cast<ssize_t>(key.size()));
    keys.insert(key);
    return true;
  }

  // Directories stay.
  void remove(const std::string& key) {
    s3::store::MappedPath path;
    s3::store::map(*s3::store::Key::from_decoded(key), path);
    const engine::Descriptor at = parent(path, false);
    const std::string leaf(path.name(path.names() - 1));
    if (::unlinkat(at.get(), leaf.c_str(), 0) != 0) {
      REQUIRE(::unlinkat(at.get(), (leaf + "/.mr.f").c_str(), 0) == 0);
    }
    keys.erase(key);
  }

  std::string path(const std::string& below) const { return directory.path() + "/bkt/" + below; }

  struct Asked {
    std::string prefix, delimiter, after;
    std::uint32_t max_keys = 1000;
  };

  // Of the one shard that lists; to be asked for there.
  s3::store::EntryMemory& entries() {
    if (!entries_) entries_.emplace(options);
    return *entries_;
  }

  engine::Task<Listed> list(s3::store::DirectoryIndexes& indexes, Asked asked) {
    s3::ListParameters parameters;
    parameters.prefix = asked.prefix;
    parameters.delimiter = asked.delimiter;
    parameters.after = asked.after;
    parameters.max_keys = asked.max_keys;
    s3::Collector collector(parameters);
    Sunk sunk{{}, this};
    const auto done = co_await s3::store::list_page(
        options, indexes, entries(), "bkt", parameters, collector,
        {.object = &Sunk::object, .common_prefix = &Sunk::common_prefix, .context = &sunk});
    REQUIRE(done.has_value());
    sunk.listed.truncated = collector.truncated();
    sunk.listed.last = collector.last();
    co_return sunk.listed;
  }

  Listed expected(const Asked& asked) const {
    Listed listed;
    for (const auto& key : keys) {
      if (!key.starts_with(asked.prefix) || key <= asked.after) continue;
      std::string shown = key;
      const std::size_t cut = asked.delimiter.empty()
                                  ? std::string::npos
                                  : key.find(asked.delimiter, asked.prefix.size());
      if (cut != std::string::npos) {
        const std::string common = key.substr(0, cut + asked.delimiter.size());
        if (asked.after.starts_with(common)) continue;
        shown = "PRE " + common;
        if (!listed.entries.empty() && listed.entries.back() == shown) continue;
      }
      if (listed.entries.size() == asked.max_keys) {
        listed.truncated = asked.max_keys > 0;
        break;
      }
      listed.last = cut == std::string::npos ? key : shown.substr(4);
      listed.entries.push_back(shown);
    }
    return listed;
  }

  TemporaryDirectory directory;
  s3::store::StoreOptions options;
  std::set<std::string> keys;
  // Runs after each object that a page has shown.
  void (*meanwhile)(ListingTree& tree, const std::string& key) = nullptr;

 private:
  struct Sunk {
    Listed listed;
    ListingTree* tree;
    static void object(void* context, const s3::store::ListedEntry& entry) {
      auto& self = *static_cast<Sunk*>(context);
      const std::string key(entry.key);
      CHECK(entry.size == key.size());
      CHECK(entry.etag.size() == s3::store::foreign_etag_bytes);
      CHECK(entry.modified_ms > 1'500'000'000'000);
      self.listed.entries.push_back(key);
      if (self.tree->meanwhile != nullptr) self.tree->meanwhile(*self.tree, key);
    }
    static void common_prefix(void* context, std::string_view prefix) {
      static_cast<Sunk*>(context)->listed.entries.push_back("PRE " + std::string(prefix));
    }
  };

  static engine::Descriptor create(int at, const std::string& name) {
    return engine::Descriptor(
        ::openat(at, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  }

  std::optional<s3::store::EntryMemory> entries_;

  engine::Descriptor parent(const s3::store::MappedPath& path, bool make) {
    engine::Descriptor at(::openat(directory.fd(), "bkt", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (std::size_t i = 0; i + 1 < path.names(); ++i) {
      const std::string name(path.name(i));
      if (make) enter(at.get(), name);
      at = engine::Descriptor(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      REQUIRE(at);
    }
    return at;
  }

  // Makes the directory; an object of its name moves into it, in one step.
  static void enter(int at, const std::string& name) {
    struct stat status{};
    if (::fstatat(at, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      REQUIRE(::mkdirat(at, name.c_str(), 0755) == 0);
    } else if (S_ISREG(status.st_mode)) {
      REQUIRE(::mkdirat(at, ".mr.aside", 0755) == 0);
      REQUIRE(::linkat(at, name.c_str(), at, ".mr.aside/.mr.f", 0) == 0);
      REQUIRE(::renameat2(at, ".mr.aside", at, name.c_str(), RENAME_EXCHANGE) == 0);
      REQUIRE(::unlinkat(at, ".mr.aside", 0) == 0);
    }
  }
};

}  // namespace millrace::tests
