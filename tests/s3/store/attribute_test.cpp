// Objects on a filesystem without user attributes: their attribute lies in a file of its own, and
// everything that a reader is told stays the same.
#include "s3/store/attribute.h"

#include "tests/s3/store/store_driver.h"

#include <sys/xattr.h>

using namespace millrace;
using namespace millrace::tests;

namespace {

struct PlainSite : Site {
  explicit PlainSite(st::Durability durability = st::Durability::none) : Site(durability) {
    options.abilities.attribute_bytes_max = 0;
  }
  std::size_t beside() const { return entries(".mr.sys/meta"); }
};

}  // namespace

TEST_CASE("attribute: beside the object it says what it says inside, and goes with it") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const auto durability : {st::Durability::strict, st::Durability::none}) {
      Site usual(durability);
      PlainSite plain(durability);
      st::Store inside(usual.options, usual.locks);
      st::Store store(plain.options, plain.locks);
      const PutOptions how{.user = {{"name", "value"}}, .parts = 3};
      REQUIRE(co_await put(inside, "a/k", "content", how));
      REQUIRE(co_await put(store, "a/k", "content", how));
      const auto expected = co_await get(usual.options, "a/k");
      const auto found = co_await get(plain.options, "a/k");
      REQUIRE((expected && found));
      CHECK((found->native && found->content == "content"));
      CHECK((found->etag == expected->etag && found->content_type == expected->content_type));
      CHECK((found->user == 1 && found->parts == 3));
      CHECK(plain.beside() == 1);
      char nothing = 0;
      CHECK(::getxattr(plain.path("a/k").c_str(), st::metadata_attribute_name, &nothing, 0) < 0);

      REQUIRE(co_await put(store, "a/k", "changed"));
      const auto changed = co_await get(plain.options, "a/k");
      CHECK((changed && changed->native && changed->content == "changed" && changed->user == 0));
      CHECK(plain.beside() == 1);
      // The key becomes a directory's: the file moves, its inode and time do not.
      REQUIRE(co_await put(store, "a/k/below", "more"));
      CHECK(plain.beside() == 2);
      CHECK((co_await get(plain.options, "a/k"))->native);
      REQUIRE(co_await remove(store, "a/k"));
      REQUIRE(co_await remove(store, "a/k/below"));
      CHECK(plain.beside() == 0);
      CHECK(plain.tree().empty());
    }
  });
}

TEST_CASE("attribute: beside the object, with a sidecar beside that") {
  on_shard([](engine::Shard&) -> Task<> {
    PlainSite site;
    st::Store store(site.options, site.locks);
    const std::string value(2000, 'v');
    const PutOptions how{.user = {{"name", value}}, .parts = 10'000};
    REQUIRE(co_await put(store, "k", "content", how));
    CHECK(site.beside() == 2);
    const auto found = co_await get(site.options, "k");
    CHECK((found && found->native && found->user == 1 && found->parts == 10'000));
    REQUIRE(co_await put(store, "k", "changed", how));
    CHECK(site.beside() == 2);
    REQUIRE(co_await remove(store, "k"));
    CHECK(site.beside() == 0);
  });
}

TEST_CASE("attribute: what was not published leaves nothing beside it") {
  on_shard([](engine::Shard&) -> Task<> {
    PlainSite site;
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "k", "content"));
    const auto refused = co_await put(store, "k", "late", {.conditions = {.must_not_exist = true}});
    CHECK((!refused && refused.error().is(EEXIST)));
    CHECK(site.beside() == 1);
    const auto found = co_await get(site.options, "k");
    CHECK((found && found->native && found->content == "content"));
    CHECK(site.nothing_aside());
  });
}

TEST_CASE("attribute: another name of the file keeps it") {
  on_shard([](engine::Shard&) -> Task<> {
    PlainSite site;
    st::Store store(site.options, site.locks);
    for (const bool removed : {false, true}) {
      REQUIRE(co_await put(store, "k", "content"));
      REQUIRE(::link(site.path("k").c_str(), site.path("other").c_str()) == 0);
      if (removed) {
        REQUIRE(co_await remove(store, "k"));
      } else {
        REQUIRE(co_await put(store, "k", "new"));
      }
      const auto found = co_await get(site.options, "other");
      CHECK((found && found->native && found->content == "content"));
      REQUIRE(co_await remove(store, "other"));
      if (!removed) REQUIRE(co_await remove(store, "k"));
      CHECK(site.beside() == 0);
    }
  });
}

TEST_CASE("attribute: files from outside, and changed or copied objects, have none beside them") {
  on_shard([](engine::Shard&) -> Task<> {
    PlainSite site;
    st::Store store(site.options, site.locks);
    site.write_file("outside", "content");
    const auto outside = co_await get(site.options, "outside");
    CHECK((outside && !outside->native && outside->content == "content"));
    REQUIRE(co_await put(store, "k", "content"));
    const std::string copy = "cp -a '" + site.path("k") + "' '" + site.path("copy") + "'";
    REQUIRE(std::system(copy.c_str()) == 0);
    const auto copied = co_await get(site.options, "copy");
    CHECK((copied && !copied->native && copied->content == "content"));
    site.write_file("k", "edited!");
    const auto edited = co_await get(site.options, "k");
    CHECK((edited && !edited->native && edited->content == "edited!"));
    // A listing's view of them.
    const engine::Descriptor bucket(::open(site.path("").c_str(), O_RDONLY | O_DIRECTORY));
    REQUIRE(co_await put(store, "own", "content"));
    for (const std::string name : {"outside", "copy", "k", "own"}) {
      st::OpenObject object;
      REQUIRE(co_await st::open_entry(site.options, "bucket", bucket.get(), name.c_str(), name,
                                      object));
      CHECK(object.native == (name == "own"));
      CHECK(object.file_size == 7);
    }
    for (const std::string name : {"outside", "copy", "k", "own"}) {
      REQUIRE(co_await put(store, name, "new"));
      CHECK((co_await get(site.options, name))->native);
      REQUIRE(co_await remove(store, name));
    }
    CHECK(site.tree().empty());
  });
}

TEST_CASE("attribute: readers of an object that is replaced all the time never miss it") {
  on_shard([](engine::Shard& shard) -> Task<> {
    PlainSite site;
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "k", "0"));
    bool writing = true;
    const auto write = [&]() -> Task<> {
      for (int round = 1; round <= 100; ++round) {
        CHECK(co_await put(store, "k", std::to_string(round)));
      }
      writing = false;
    };
    unsigned reads = 0;
    const auto read = [&]() -> Task<> {
      while (writing) {
        const auto found = co_await get(site.options, "k");
        CHECK((found && found->native));
        ++reads;
        co_await engine::Yield{};
      }
    };
    std::vector<Task<>> tasks;
    tasks.push_back(write());
    for (int i = 0; i < 4; ++i) tasks.push_back(read());
    co_await all(shard.tasks(), std::move(tasks));
    CHECK(reads > 0);
    CHECK(site.beside() == 1);
  });
}
