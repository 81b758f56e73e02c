// The cache of open objects: what it keeps, and that no change from anywhere goes unseen. On the
// real ring only: a change is seen by the time that the kernel stamps, which is not simulated.
#include "s3/store/object_cache.h"

#include "tests/s3/store/store_driver.h"
#include "tests/skip.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <chrono>
#include <functional>

using namespace millrace;
using namespace millrace::tests;

namespace {

// Longer than two ticks of the coarsest clock: what was made before may be kept.
constexpr std::uint64_t settled_ms = 150;

st::ObjectCache::Hold find(st::ObjectCache& cache, std::string_view key) {
  st::MappedPath path;
  map_key(key, path);
  return cache.find("bucket", path);
}

Task<st::ObjectCache::Hold> open(st::ObjectCache& cache, std::string key) {
  st::MappedPath path;
  map_key(key, path);
  auto opened = co_await cache.open("bucket", path, key);
  if (!opened) co_return st::ObjectCache::Hold{};
  co_return std::move(*opened);
}

std::string text_of(const st::ObjectCache::Hold& object) {
  std::string text(object->file_size, ' ');
  CHECK(::pread(object->file.get(), text.data(), text.size(), 0) ==
        static_cast<ssize_t>(text.size()));
  return text;
}

// As a handler does it.
Task<std::string> read(st::ObjectCache& cache, std::string key) {
  auto object = find(cache, key);
  if (!object) object = co_await open(cache, key);
  if (!object) co_return absent;
  if (const auto content = object.content(); !content.empty()) {
    CHECK(content == text_of(object));
  }
  co_return text_of(object);
}

void give_back_times(const Site& site, const char* below, const struct stat& old) {
  const timespec times[] = {old.st_atim, old.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, site.path(below).c_str(), times, 0) == 0);
}

bool usable() {
  const auto& abilities = TestFilesystem::get().abilities;
  return abilities.local && static_cast<bool>(abilities.rename_exchange);
}

struct Change {
  const char* what;
  std::function<void(const Site&)> make;
  std::string after;  // what "a/b/k" gives then
};

// "a/b/k" has the content "content" before each; "n" is another object, "fresh".
const Change changes[] = {
    {"written in place, its times given back",
     [](const Site& site) {
       const auto old = site.status("a/b/k");
       site.write_file("a/b/k", "Content");
       give_back_times(site, "a/b/k", old);
     },
     "Content"},
    {"grown", [](const Site& site) { site.write_file("a/b/k", "content and more"); },
     "content and more"},
    {"written through another name",
     [](const Site& site) {
       REQUIRE(::link(site.path("a/b/k").c_str(), site.path("other").c_str()) == 0);
       site.write_file("other", "CONTENT");
     },
     "CONTENT"},
    {"replaced by a rename",
     [](const Site& site) {
       REQUIRE(::rename(site.path("n").c_str(), site.path("a/b/k").c_str()) == 0);
     },
     "fresh"},
    {"exchanged",
     [](const Site& site) {
       REQUIRE(::renameat2(AT_FDCWD, site.path("n").c_str(), AT_FDCWD, site.path("a/b/k").c_str(),
                           RENAME_EXCHANGE) == 0);
     },
     "fresh"},
    {"unlinked", [](const Site& site) { REQUIRE(::unlink(site.path("a/b/k").c_str()) == 0); },
     absent},
    {"moved away",
     [](const Site& site) {
       REQUIRE(::rename(site.path("a/b/k").c_str(), site.path("a/b/m").c_str()) == 0);
     },
     absent},
    {"moved away with the directory above, once it was back",
     [](const Site& site) {
       REQUIRE(::rename(site.path("a").c_str(), site.path("z").c_str()) == 0);
       REQUIRE(::rename(site.path("z").c_str(), site.path("a").c_str()) == 0);
       REQUIRE(::rename(site.path("a/b").c_str(), site.path("a/z").c_str()) == 0);
     },
     absent},
    {"moved away with its bucket",
     [](const Site& site) {
       REQUIRE(::rename(site.path("").c_str(), (site.directory.path() + "/other").c_str()) == 0);
     },
     absent},
    {"exchanged with the directory above",
     [](const Site& site) {
       std::filesystem::create_directories(site.path("z/b"));
       site.write_file("z/b/k", "another");
       REQUIRE(::renameat2(AT_FDCWD, site.path("z").c_str(), AT_FDCWD, site.path("a").c_str(),
                           RENAME_EXCHANGE) == 0);
     },
     "another"},
    {"moved away with the directory above",
     [](const Site& site) {
       REQUIRE(::rename(site.path("a").c_str(), site.path("z").c_str()) == 0);
     },
     absent},
    {"hidden by another directory above",
     [](const Site& site) {
       REQUIRE(::rename(site.path("a").c_str(), site.path("z").c_str()) == 0);
       std::filesystem::create_directories(site.path("a/b"));
       site.write_file("a/b/k", "another");
     },
     "another"},
    {"without its attribute",
     [](const Site& site) {
       REQUIRE(::removexattr(site.path("a/b/k").c_str(), st::metadata_attribute_name) == 0);
     },
     "content"},
};

Task<> check_change(const Change& change) {
  CAPTURE(change.what);
  Site site(st::Durability::none);
  st::Store store(site.options, site.locks);
  st::PlaceWatch places(site.options.data_fd);
  st::ObjectCache cache(site.options, places, 16);
  REQUIRE(co_await put(store, "a/b/k", "content"));
  REQUIRE(co_await put(store, "n", "fresh"));
  co_await engine::sleep_for(settled_ms);
  CHECK(co_await read(cache, "a/b/k") == "content");
  for (int i = 0; i < 3; ++i) {
    const auto object = find(cache, "a/b/k");
    REQUIRE(object);
    CHECK((object->native && object.content() == "content"));
  }
  change.make(site);
  co_await engine::sleep_for(1);  // what is asked after a change comes with a later turn
  CHECK_FALSE(find(cache, "a/b/k"));
  CHECK(cache.kept() == 0);
  CHECK(co_await read(cache, "a/b/k") == change.after);
}

}  // namespace

TEST_CASE("object cache: no change from outside goes unseen") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not one that objects are kept of");
  on_shard([](engine::Shard&) -> Task<> {
    for (const Change& change : changes) co_await check_change(change);
  });
}

TEST_CASE("object cache: commits are seen at once, and young files not kept") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not one that objects are kept of");
  on_shard([](engine::Shard&) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    st::PlaceWatch places(site.options.data_fd);
    st::ObjectCache cache(site.options, places, 16);
    std::string text = "0";
    for (int round = 0; round < 40; ++round) {
      text = std::to_string(round);
      const auto before = std::chrono::steady_clock::now();
      REQUIRE(co_await put(store, "k", text));
      CHECK(co_await read(cache, "k") == text);
      // Unless this machine was busy with something else for so long that it may be.
      const auto took = std::chrono::steady_clock::now() - before;
      if (took < std::chrono::milliseconds(50)) CHECK(cache.kept() == 0);
      CHECK(co_await read(cache, "k") == text);
      if (round % 8 == 0) co_await engine::sleep_for(settled_ms);
      CHECK(co_await read(cache, "k") == text);
      CHECK(co_await read(cache, "k") == text);
    }
    REQUIRE(co_await remove(store, "k"));
    CHECK(co_await read(cache, "k") == absent);
    // The object becomes a directory's and stays readable.
    REQUIRE(co_await put(store, "k", "file"));
    co_await engine::sleep_for(settled_ms);
    CHECK(co_await read(cache, "k") == "file");
    CHECK(find(cache, "k"));
    REQUIRE(co_await put(store, "k/below", "x"));
    CHECK_FALSE(find(cache, "k"));
    CHECK(co_await read(cache, "k") == "file");
    CHECK(co_await read(cache, "k") == "file");
  });
}

TEST_CASE("object cache: names are looked up once, and again when a directory has moved") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not one that objects are kept of");
  if (!TestFilesystem::get().abilities.names_stamp) {
    MILLRACE_SKIP("renames on the filesystem of /tmp leave no stamps");
  }
  on_shard([](engine::Shard&) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    st::PlaceWatch places(site.options.data_fd);
    st::ObjectCache cache(site.options, places, 16);
    REQUIRE(co_await put(store, "a/b/k", "content"));
    co_await engine::sleep_for(settled_ms);
    CHECK(co_await read(cache, "a/b/k") == "content");
    const auto many = [&]() -> Task<std::uint64_t> {
      const auto began = std::chrono::steady_clock::now();
      const auto before = cache.looks();
      for (int i = 0; i < 20; ++i) {
        CHECK(find(cache, "a/b/k"));
        co_await engine::sleep_for(1);
      }
      // Once a second it is looked up all the same.
      const auto took = std::chrono::steady_clock::now() - began;
      co_return took < std::chrono::milliseconds(900) ? cache.looks() - before : 1;
    };
    CHECK(co_await many() == 1);
    CHECK(co_await many() <= 1);
    // Moved and back again: it is where it was, but that has to be found out.
    REQUIRE(::rename(site.path("a").c_str(), site.path("z").c_str()) == 0);
    REQUIRE(::rename(site.path("z").c_str(), site.path("a").c_str()) == 0);
    CHECK(co_await many() == 1);
  });
}

TEST_CASE("object cache: a directory made again where kept objects were") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not one that objects are kept of");
  on_shard([](engine::Shard&) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    st::PlaceWatch places(site.options.data_fd);
    st::ObjectCache cache(site.options, places, 16);
    REQUIRE(co_await put(store, "d/k", "old"));
    co_await engine::sleep_for(settled_ms);
    CHECK(co_await read(cache, "d/k") == "old");
    const auto held = find(cache, "d/k");
    CHECK(held);
    REQUIRE(co_await remove(store, "d/k"));
    CHECK_FALSE(site.exists("d"));
    REQUIRE(co_await put(store, "d/l", "new"));
    co_await engine::sleep_for(settled_ms);
    CHECK(co_await read(cache, "d/l") == "new");
    for (int i = 0; i < 3; ++i) CHECK(find(cache, "d/l"));
    REQUIRE(::rename(site.path("d").c_str(), site.path("e").c_str()) == 0);
    co_await engine::sleep_for(1);
    CHECK_FALSE(find(cache, "d/l"));
    CHECK(co_await read(cache, "d/l") == absent);
  });
}

TEST_CASE("object cache: bounded, the longest unused go first, a hold keeps its object") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not one that objects are kept of");
  on_shard([](engine::Shard& shard) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    {
      st::PlaceWatch places(site.options.data_fd);
      st::ObjectCache cache(site.options, places, 2);
      const std::string large(st::kept_content_bytes_max + 1, 'l');
      for (const std::string key : {"a", "b", "c"}) REQUIRE(co_await put(store, key, large));
      co_await engine::sleep_for(settled_ms);
      auto held = co_await open(cache, "a");
      CHECK(co_await read(cache, "b") == large);
      CHECK(find(cache, "a"));  // "b" is the longest unused now
      CHECK(co_await read(cache, "c") == large);
      CHECK(cache.kept() == 2);
      CHECK_FALSE(find(cache, "b"));
      CHECK(find(cache, "a").content().empty());  // too large for memory
      REQUIRE(co_await remove(store, "a"));
      CHECK_FALSE(find(cache, "a"));
      CHECK(text_of(held) == large);
      // Several opened it at a time: it is kept once.
      auto first = co_await open(cache, "c");
      auto second = co_await open(cache, "c");
      CHECK(cache.kept() == 1);
      held = std::move(first);
      CHECK(text_of(held) == large);
      CHECK(shard.page().objects_kept.get() == 1);
    }
    {
      // What nobody asks for is closed, and who holds it still has it.
      st::PlaceWatch places(site.options.data_fd);
      st::ObjectCache cache(site.options, places, 2, 100'000'000);
      const auto held = co_await open(cache, "c");
      for (int i = 0; i < 50 && cache.kept() > 0; ++i) co_await engine::sleep_for(100);
      CHECK(cache.kept() == 0);
      CHECK(shard.page().objects_kept.get() == 0);
      CHECK(text_of(held).size() == st::kept_content_bytes_max + 1);
    }
    st::PlaceWatch places(site.options.data_fd);
    st::ObjectCache none(site.options, places, 0);
    CHECK(co_await read(none, "c") != absent);
    CHECK(none.kept() == 0);
  });
}

TEST_CASE("object cache: what is too long or lies beside the attribute is not kept") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not one that objects are kept of");
  on_shard([](engine::Shard&) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    st::PlaceWatch places(site.options.data_fd);
    st::ObjectCache cache(site.options, places, 16);
    const std::string long_key(st::kept_path_bytes_max, 'k');
    const std::string memory(2043, 'v');
    REQUIRE(co_await put(store, long_key, "long"));
    REQUIRE(co_await put(store, "sidecar", "s", {.user = {{"large", memory}}, .parts = 400}));
    REQUIRE(co_await put(store, "attribute", "m", {.user = {{"large", memory}}}));
    REQUIRE(co_await put(store, "empty", ""));
    co_await engine::sleep_for(settled_ms);
    CHECK(co_await read(cache, long_key) == "long");
    CHECK(co_await read(cache, "sidecar") == "s");
    CHECK(cache.kept() == 0);
    CHECK(co_await read(cache, "attribute") == "m");
    CHECK((co_await read(cache, "empty")).empty());
    CHECK(cache.kept() == 2);
    CHECK((find(cache, "attribute") && !find(cache, "attribute")->meta.user.empty()));
  });
}
