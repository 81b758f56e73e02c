// Other tags for an object that is there: what stays, what is cleared away, and what a process
// leaves that dies between.
#include "s3/store/object_cache.h"
#include "tests/s3/store/rewrite_driver.h"

#include <sys/xattr.h>

using namespace millrace;
using namespace millrace::tests;

namespace {

const std::string large(3000, 'v');

}  // namespace

TEST_CASE("retag: only the tags change, with the attribute in the file and beside it") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool beside : {false, true}) {
      CAPTURE(beside);
      Site site(st::Durability::strict);
      if (beside) site.options.abilities.attribute_bytes_max = 0;
      st::Store store(site.options, site.locks);
      REQUIRE(co_await put(store, "a/k", "content", {.user = {{"name", "value"}}, .parts = 3}));
      const auto before = co_await get(site.options, "a/k");
      const auto status = site.status("a/k");
      REQUIRE(before);
      REQUIRE(co_await retag(store, "a/k", {{"t", "1"}}));
      CHECK(co_await tags_of(site.options, "a/k") == "t=1");
      const auto after = co_await get(site.options, "a/k");
      REQUIRE(after);
      CHECK((after->native && after->content == "content" && after->etag == before->etag));
      CHECK((after->user == 1 && after->parts == 3));
      const auto now = site.status("a/k");
      CHECK((now.st_ino == status.st_ino && now.st_mtim.tv_nsec == status.st_mtim.tv_nsec));
      CHECK((now.st_mode == status.st_mode && now.st_mtim.tv_sec == status.st_mtim.tv_sec));
      REQUIRE(co_await retag(store, "a/k", {}));
      CHECK(co_await tags_of(site.options, "a/k") == "");
      // The key is a directory's, too.
      REQUIRE(co_await put(store, "a/k/below", "more"));
      REQUIRE(co_await retag(store, "a/k", {{"t", "2"}}));
      CHECK(co_await tags_of(site.options, "a/k") == "t=2");
      CHECK(site.nothing_aside());
    }
  });
}

TEST_CASE("retag: a sidecar comes, is replaced and goes, and none is left over") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool beside : {false, true}) {
      CAPTURE(beside);
      Site site(st::Durability::strict);
      if (beside) site.options.abilities.attribute_bytes_max = 0;
      const std::size_t own = beside ? 1 : 0;  // the attribute
      st::Store store(site.options, site.locks);
      REQUIRE(co_await put(store, "k", "content", {.user = {{"name", "value"}}}));
      CHECK(site.entries(".mr.sys/meta") == own);
      REQUIRE(co_await retag(store, "k", {{"a", large}, {"b", large}}));
      CHECK(site.entries(".mr.sys/meta") == own + 1);
      REQUIRE(co_await retag(store, "k", {{"a", large}, {"c", large}}));
      CHECK(site.entries(".mr.sys/meta") == own + 1);
      CHECK(co_await tags_of(site.options, "k") == "a=" + large + "c=" + large);
      CHECK((co_await get(site.options, "k"))->user == 1);
      REQUIRE(co_await retag(store, "k", {{"a", "1"}}));
      CHECK(site.entries(".mr.sys/meta") == own);
      CHECK((co_await get(site.options, "k"))->user == 1);
      REQUIRE(co_await remove(store, "k"));
      CHECK(site.entries(".mr.sys/meta") == 0);
    }
  });
}

TEST_CASE("retag: a file with two names, and a copy without its sidecar") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    // Without locks somebody may be sealing the file, with the sidecar that it had.
    site.options.abilities.ofd_lock = {ENOTSUP};
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "k", "content", {.user = {{"name", large}, {"more", large}}}));
    CHECK(site.entries(".mr.sys/meta") == 1);
    REQUIRE(::link(site.path("k").c_str(), site.path("other").c_str()) == 0);
    REQUIRE(co_await retag(store, "k", {{"t", "1"}}));
    CHECK(site.entries(".mr.sys/meta") == 2);
    CHECK((co_await get(site.options, "other"))->user == 2);
    site.options.abilities = TestFilesystem::get().abilities;
    st::Store locked(site.options, site.locks);
    REQUIRE(co_await retag(locked, "k", {{"t", "3"}}));
    CHECK(site.entries(".mr.sys/meta") == 2);
    CHECK((co_await get(site.options, "other"))->user == 2);
    // As a copy of the tree without .mr.sys: the attribute names what is not there.
    std::filesystem::remove_all(site.path(".mr.sys/meta"));
    REQUIRE(co_await retag(store, "k", {{"t", "2"}}));
    CHECK(co_await tags_of(site.options, "k") == "t=2");
    CHECK((co_await get(site.options, "k"))->native);
  });
}

TEST_CASE("retag: a file from outside gets an attribute for what it is") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool beside : {false, true}) {
      CAPTURE(beside);
      Site site;
      if (beside) site.options.abilities.attribute_bytes_max = 0;
      st::Store store(site.options, site.locks);
      site.write_file("f.txt", "from outside");
      const auto before = co_await get(site.options, "f.txt");
      REQUIRE(before);
      REQUIRE(co_await retag(store, "f.txt", {{"t", "1"}}));
      const auto after = co_await get(site.options, "f.txt");
      REQUIRE(after);
      CHECK((after->native && after->etag == before->etag));
      CHECK(after->content_type == before->content_type);
      CHECK(co_await tags_of(site.options, "f.txt") == "t=1");
      // Changed again: what was said of it is void, and its ETag another.
      site.write_file("f.txt", "from outside, longer");
      CHECK(co_await tags_of(site.options, "f.txt") == "");
      CHECK((co_await get(site.options, "f.txt"))->etag != before->etag);
    }
  });
}

TEST_CASE("retag: what is not there stays so") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    const auto none = co_await retag(store, "a/b/k", {{"t", "1"}});
    CHECK((!none && none.error().is(ENOENT)));
    CHECK(site.tree().empty());
  });
}

TEST_CASE("retag: beside writers and readers every answer is one of the object's states") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "k", "0"));
    std::vector<Task<>> tasks;
    const auto tagger = [](st::Store& store) -> Task<> {
      for (int i = 0; i < 20; ++i) {
        const bool big = i % 2 == 0;
        CHECK(co_await retag(store, "k", {{"t", big ? large : "1"}, {"u", big ? large : "1"}}));
      }
    };
    const auto writer = [](st::Store& store) -> Task<> {
      for (int i = 0; i < 20; ++i) CHECK(co_await put(store, "k", std::string(1, 'a')));
    };
    const auto reader = [](const st::StoreOptions& options) -> Task<> {
      const std::string big = "t=" + large + "u=" + large;
      for (int i = 0; i < 60; ++i) {
        const std::string tags = co_await tags_of(options, "k");
        CHECK((tags.empty() || tags == "t=1u=1" || tags == big));
      }
    };
    engine::TaskGroup group;
    tasks.push_back(tagger(store));
    tasks.push_back(writer(store));
    tasks.push_back(reader(site.options));
    co_await all(group, std::move(tasks));
    CHECK(site.entries(".mr.sys/meta") <= 1);
    CHECK((co_await get(site.options, "k"))->native);
  });
}
