// Conditions of writes and removals: who wins, what fails how, and what a failure leaves.
#include "tests/s3/store/store_driver.h"

using namespace millrace;
using namespace millrace::tests;

namespace {

Task<std::string> etag_of(const Site& site, std::string key) {
  const auto found = co_await get(site.options, std::move(key));
  co_return found ? found->etag : std::string("none");
}

// Twelve writers that have all seen the same version.
Task<> race(Site& site, std::string key) {
  st::Store store(site.options, site.locks);
  CHECK(co_await put(store, key, "seen"));
  const std::string seen = co_await etag_of(site, key);
  std::vector<unsigned> winners;
  engine::TaskGroup group;
  const auto write = [&](unsigned number) -> Task<> {
    const auto done = co_await put(store, key, "writer " + std::to_string(number),
                                   {.conditions = {.if_match = seen}});
    if (done) winners.push_back(number);
    if (!done) CHECK(done.error().is(st::errno_condition_failed));
  };
  for (unsigned number = 0; number < 12; ++number) group.adopt(write(number));
  co_await group.join();
  REQUIRE(winners.size() == 1);
  CHECK(co_await content(site.options, key) == "writer " + std::to_string(winners[0]));
}

}  // namespace

TEST_CASE("of many writers over one version exactly one wins") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool exchange : {true, false}) {
      Site site;
      if (!exchange) site.options.abilities.rename_exchange = {EINVAL};
      co_await race(site, "key");
      co_await race(site, "deep/er/key");
      co_await race(site, "deep");  // a directory, too
      CHECK(site.nothing_aside());
    }
  });
}

TEST_CASE("a write over what is not there fails, and leaves no directory") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool exchange : {true, false}) {
      Site site;
      if (!exchange) site.options.abilities.rename_exchange = {EINVAL};
      st::Store store(site.options, site.locks);
      CHECK(co_await put(store, "a/b", "x"));
      const auto before = site.tree();
      for (const std::string key : {"k", "a", "a/c", "a/b/c", "q/r/s"}) {
        for (const std::string_view value : {"*", "\"abc\"", "abc"}) {
          const auto done = co_await put(store, key, "no", {.conditions = {.if_match = value}});
          REQUIRE(!done);
          CHECK(done.error().is(st::errno_no_object));
        }
      }
      CHECK(co_await content(site.options, "a/b") == "x");
      CHECK(co_await remove(store, "a/b"));
      CHECK(co_await put(store, "a/b", "x"));
      CHECK(site.tree() == before);
    }
  });
}

TEST_CASE("the ETag of a condition is the one that readers see") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    site.write_file("foreign", "from outside");
    std::string etag = co_await etag_of(site, "foreign");
    CHECK(co_await put(store, "foreign", "2", {.conditions = {.if_match = "\"" + etag + "\""}}));
    // Changed behind the store's back: what the attribute says is no longer true of it.
    etag = co_await etag_of(site, "foreign");
    site.write_file("foreign", "changed, and longer");
    const auto stale = co_await put(store, "foreign", "3", {.conditions = {.if_match = etag}});
    REQUIRE(!stale);
    CHECK(stale.error().is(st::errno_condition_failed));
    etag = co_await etag_of(site, "foreign");
    CHECK(co_await put(store, "foreign", "4", {.conditions = {.if_match = etag}}));
    CHECK(co_await put(store, "foreign", "5", {.conditions = {.if_match = "*"}}));
  });
}

TEST_CASE("a removal only of what was seen") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    CHECK(co_await put(store, "beside/below", "x"));
    for (const std::string key : {"plain", "in/side", "beside"}) {
      CHECK(co_await put(store, key, "12345"));
      const std::string etag = co_await etag_of(site, key);
      const std::int64_t now = site.status(key == "beside" ? "beside/.mr.f" : key).st_mtime;
      for (const st::WriteConditions& wrong :
           {st::WriteConditions{.if_match = "abc"}, st::WriteConditions{.size_bytes = 4},
            st::WriteConditions{.modified_seconds = now - 1},
            st::WriteConditions{.if_match = etag, .size_bytes = 6}}) {
        const auto refused = co_await remove(store, key, wrong);
        REQUIRE(!refused);
        CHECK(refused.error().is(st::errno_condition_failed));
      }
      CHECK(co_await content(site.options, key) == "12345");
      const auto gone =
          co_await remove(store, key, {.if_match = etag, .modified_seconds = now, .size_bytes = 5});
      CHECK((gone && gone->existed));
      CHECK(co_await content(site.options, key) == absent);
      const auto again = co_await remove(store, key, {.if_match = etag});
      REQUIRE(!again);
      CHECK(again.error().is(st::errno_no_object));
      // Size and time are true of what is not there.
      const auto harmless = co_await remove(store, key, {.modified_seconds = 1, .size_bytes = 1});
      CHECK((harmless && !harmless->existed));
    }
    CHECK(site.tree() == std::set<std::string>{"beside", "beside/below"});
  });
}

TEST_CASE("of a conditional removal and a conditional write one wins") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    for (int round = 0; round < 20; ++round) {
      CHECK(co_await put(store, "k", "seen " + std::to_string(round)));
      const std::string seen = co_await etag_of(site, "k");
      int won = 0;
      engine::TaskGroup group;
      const auto write = [&]() -> Task<> {
        if (co_await put(store, "k", "new", {.conditions = {.if_match = seen}})) ++won;
      };
      const auto take = [&]() -> Task<> {
        if (co_await remove(store, "k", {.if_match = seen})) ++won;
      };
      group.adopt(round % 2 == 0 ? write() : take());
      group.adopt(round % 2 == 0 ? take() : write());
      co_await group.join();
      CHECK(won == 1);
    }
  });
}
