// What is made of an object that was read without its lock: a change of its tags that was
// acknowledged meanwhile is kept, and another object that came meanwhile is not replaced.
#include "s3/store/rewrite.h"

#include "tests/s3/store/rewrite_driver.h"

using namespace millrace;
using namespace millrace::tests;

namespace {

const std::string large(3000, 'v');

Task<bool> tag_small(st::Store& store) {
  CHECK(co_await retag(store, "k", {{"t", "new"}}));
  co_return true;
}
Task<bool> tag_large(st::Store& store) {
  CHECK(co_await retag(store, "k", {{"t", large}, {"u", large}}));
  co_return true;
}
Task<bool> untag(st::Store& store) {
  CHECK(co_await retag(store, "k", {}));
  co_return true;
}
// The same bytes and so the same ETag, but an object of its own.
Task<bool> put_alike(st::Store& store) {
  CHECK(co_await put(store, "k", "one", {.user = {{"who", "other"}}}));
  CHECK(co_await retag(store, "k", {{"t", "other"}}));
  co_return true;
}
Task<bool> put_other(st::Store& store) {
  CHECK(co_await put(store, "k", "other"));
  co_return true;
}
Task<bool> drop(st::Store& store) {
  CHECK(co_await remove(store, "k"));
  co_return true;
}

struct Race {
  Between between;
  std::string tags;
  std::size_t sidecars;
};

const Race races[] = {{nullptr, "t=old", 0},
                      {&tag_small, "t=new", 0},
                      {&tag_large, "t=" + large + "u=" + large, 1},
                      {&untag, "", 0}};

}  // namespace

TEST_CASE("append: tags that were given meanwhile are the object's") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool beside : {false, true}) {
      for (const Race& race : races) {
        for (const bool had_sidecar : {false, true}) {
          CAPTURE(beside);
          CAPTURE(race.tags.size());
          CAPTURE(had_sidecar);
          Site site;
          if (beside) site.options.abilities.attribute_bytes_max = 0;
          st::Store store(site.options, site.locks);
          REQUIRE(co_await put(store, "k", "one", {.user = {{"name", "value"}}}));
          REQUIRE(co_await retag(store, "k", {{"t", "old"}}));
          if (had_sidecar) CHECK(co_await tag_large(store));
          REQUIRE(co_await append(store, "k", "two", "onetwo", race.between));
          const auto found = co_await get(site.options, "k");
          REQUIRE(found);
          CHECK((found->content == "onetwo" && found->native && found->user == 1));
          const bool untouched = race.between == nullptr && had_sidecar;
          CHECK(co_await tags_of(site.options, "k") == (untouched ? races[2].tags : race.tags));
          CHECK(site.entries(".mr.sys/meta") == (untouched ? 1 : race.sidecars) + (beside ? 1 : 0));
          CHECK(site.nothing_aside());
        }
      }
    }
  });
}

TEST_CASE("append: another object, or none, is not what was appended to") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const Between between : {&put_alike, &put_other, &drop}) {
      Site site;
      st::Store store(site.options, site.locks);
      REQUIRE(co_await put(store, "k", "one", {.user = {{"name", large}}}));
      REQUIRE(co_await retag(store, "k", {{"t", "old"}}));
      const auto done = co_await append(store, "k", "two", "onetwo", between);
      REQUIRE_FALSE(done);
      CHECK(done.error().is(ESTALE));
      const std::string expected = between == &put_alike ? "one" : "other";
      CHECK(co_await content(site.options, "k") == (between == &drop ? absent : expected));
      if (between == &put_alike) CHECK(co_await tags_of(site.options, "k") == "t=other");
      CHECK(site.entries(".mr.sys/meta") == 0);
      CHECK(site.nothing_aside());
    }
  });
}

TEST_CASE("a copy onto itself keeps new tags or gives its own, and loses no other object") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const Race& race : races) {
      for (const bool replaces : {false, true}) {
        Site site;
        st::Store store(site.options, site.locks);
        REQUIRE(co_await put(store, "k", "one", {.user = {{"name", "value"}}}));
        REQUIRE(co_await retag(store, "k", {{"t", "old"}}));
        const auto own = std::vector<st::Pair>{{"own", "1"}};
        REQUIRE(co_await copy_onto_itself(store, "k", replaces ? std::optional(own) : std::nullopt,
                                          race.between));
        CHECK(co_await tags_of(site.options, "k") == (replaces ? "own=1" : race.tags));
        const auto found = co_await get(site.options, "k");
        REQUIRE(found);
        CHECK((found->content == "one" && found->content_type == "text/new" && found->user == 1));
        CHECK(site.entries(".mr.sys/meta") == (replaces ? 0 : race.sidecars));
      }
    }
    for (const Between between : {&put_alike, &put_other, &drop}) {
      Site site;
      st::Store store(site.options, site.locks);
      REQUIRE(co_await put(store, "k", "one"));
      const auto done = co_await copy_onto_itself(store, "k", std::nullopt, between);
      REQUIRE_FALSE(done);
      CHECK(done.error().is(ESTALE));
      const std::string expected = between == &put_alike ? "one" : "other";
      CHECK(co_await content(site.options, "k") == (between == &drop ? absent : expected));
    }
  });
}

TEST_CASE("appends beside changes of tags: of each the last that was acknowledged stays") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "k", ""));
    std::string last;
    std::string whole;
    const auto tagger = [&]() -> Task<> {
      for (int i = 0; i < 20; ++i) {
        const std::string value = std::to_string(i);
        CHECK(co_await retag(store, "k", {{"t", value}, {"u", i % 2 == 0 ? large : value}}));
        last = "t=" + value;
      }
    };
    const auto appender = [&]() -> Task<> {
      for (int i = 0; i < 20; ++i) {
        CHECK(co_await append(store, "k", "x", whole + "x"));
        whole += "x";
      }
    };
    engine::TaskGroup group;
    group.adopt(tagger());
    group.adopt(appender());
    co_await group.join();
    CHECK(co_await content(site.options, "k") == whole);
    CHECK((co_await tags_of(site.options, "k")).starts_with(last));
    CHECK(site.entries(".mr.sys/meta") == 0);
  });
}
