// Renaming: what moves and what stays, keys that lie in each other's way, locks that two renames
// want of each other, and what a repetition is told.
#include "tests/s3/store/store_driver.h"

using namespace millrace;
using namespace millrace::tests;

namespace {

void lacking_exchange(Site& site, bool lacks) {
  if (lacks) site.options.abilities.rename_exchange = {EINVAL};
}

// Two keys with one slot, and two with slots in either order.
std::string key_of_slot(std::size_t slot, std::string_view but) {
  for (unsigned number = 0;; ++number) {
    const std::string key = "k" + std::to_string(number);
    if (key != but && st::KeyLocks::slot_of("bucket", key) == slot) return key;
  }
}

}  // namespace

TEST_CASE("a renamed object is the same object, with what lies beside it") {
  on_shard([](engine::Shard&) -> Task<> {
    const std::string large_value(2040, 'v');
    for (const bool in_file : {true, false}) {
      Site site;
      if (!in_file) site.options.abilities.attribute_bytes_max = 0;
      st::Store store(site.options, site.locks);
      const PutOptions large{.user = {{"large", large_value}}, .parts = 1000};
      CHECK(co_await put(store, "from/a", "content", large));
      CHECK(co_await put(store, "to/b", "replaced", large));
      const auto before = co_await get(site.options, "from/a");
      const std::size_t beside = site.entries(".mr.sys/meta");
      CHECK(co_await rename(store, "from/a", "to/b"));
      const auto after = co_await get(site.options, "to/b");
      REQUIRE((before && after));
      CHECK(after->content == "content");
      CHECK(after->etag == before->etag);
      CHECK((after->native && after->user == 1 && after->parts == 1000));
      CHECK(co_await content(site.options, "from/a") == absent);
      CHECK(site.tree() == std::set<std::string>{"to", "to/b"});
      CHECK(site.entries(".mr.sys/meta") == beside / 2);  // the replaced one's has gone
    }
  });
}

TEST_CASE("keys in each other's way") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool lacks : {false, true}) {
      Site site;
      lacking_exchange(site, lacks);
      st::Store store(site.options, site.locks);
      const std::vector<std::string> way = {"a", "a/b", "a/b/c", "a", "d/e", "d", "a/b"};
      for (const bool others : {false, true}) {
        if (others) {
          for (const std::string key : {"a/z", "a/b/z", "d/z"})
            CHECK(co_await put(store, key, key));
        }
        CHECK(co_await put(store, way.front(), "it"));
        for (std::size_t step = 1; step < way.size(); ++step) {
          CAPTURE(way[step]);
          CHECK(co_await rename(store, way[step - 1], way[step]));
          CHECK(co_await content(site.options, way[step]) == "it");
          CHECK(co_await content(site.options, way[step - 1]) == absent);
        }
        CHECK(co_await remove(store, way.back()));
        if (!others) CHECK(site.tree().empty());
      }
      for (const std::string key : {"a/z", "a/b/z", "d/z"}) {
        CHECK(co_await content(site.options, key) == key);
        CHECK(co_await remove(store, key));
      }
      CHECK(site.tree().empty());
      CHECK(site.nothing_aside());
    }
  });
}

TEST_CASE("a rename of nothing leaves nothing") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool lacks : {false, true}) {
      Site site;
      lacking_exchange(site, lacks);
      st::Store store(site.options, site.locks);
      CHECK(co_await put(store, "a", "x"));
      for (const std::string key : {"k", "a/b", "q/r"}) {
        const auto done = co_await rename(store, key, "deep/er/target");
        REQUIRE(!done);
        CHECK(done.error().is(st::errno_no_object));
      }
      const auto failed = co_await rename(store, "a", "deep/er/target", {.to = {.if_match = "*"}});
      REQUIRE(!failed);
      CHECK(failed.error().is(st::errno_condition_failed));
      CHECK(site.tree() == std::set<std::string>{"a"});
      CHECK(co_await rename(store, "a", "a"));
      CHECK(co_await content(site.options, "a") == "x");
    }
  });
}

TEST_CASE("renames that want each other's locks all end") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    const std::string one = "one";
    const std::size_t slot = st::KeyLocks::slot_of("bucket", one);
    const std::vector<std::string> keys = {one, key_of_slot(slot, one),
                                           key_of_slot((slot + 1) % 1024, one),
                                           key_of_slot((slot + 1023) % 1024, one), "one/below"};
    for (std::size_t i = 0; i < 3; ++i) CHECK(co_await put(store, keys[i], std::to_string(i)));
    engine::TaskGroup group;
    std::size_t unexpected = 0;
    const auto work = [&](std::size_t seed) -> Task<> {
      for (std::size_t i = 0; i < 20; ++i) {
        const auto& from = keys[(seed + i) % keys.size()];
        const auto& to = keys[(seed * 3 + i * i + 1) % keys.size()];
        const auto done = co_await rename(store, from, to, {.to = {.if_none_match = "*"}});
        if (!done && !done.error().is(st::errno_no_object) &&
            !done.error().is(st::errno_condition_failed)) {
          ++unexpected;
        }
      }
    };
    for (std::size_t seed = 0; seed < 8; ++seed) group.adopt(work(seed));
    co_await group.join();
    CHECK(unexpected == 0);
    std::set<std::string> left;
    for (const std::string& key : keys) {
      const auto found = co_await get(site.options, key);
      if (found) left.insert(found->content);
    }
    CHECK(left == std::set<std::string>{"0", "1", "2"});
    CHECK(site.nothing_aside());
  });
}

TEST_CASE("a repetition with its token is answered alike") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    CHECK(co_await put(store, "from", "x"));
    CHECK(co_await rename(store, "from", "to", {.token = "T"}));
    CHECK(co_await rename(store, "from", "to", {.token = "T"}));
    const auto missing = co_await rename(store, "from", "to", {.token = "U"});
    CHECK((!missing && missing.error().is(st::errno_no_object)));
    const auto reused = co_await rename(store, "other", "to", {.token = "T"});
    CHECK((!reused && reused.error().is(st::errno_token_reused)));
    // Nor does it move what has come to the source since.
    CHECK(co_await put(store, "from", "y"));
    CHECK(co_await rename(store, "from", "to", {.to = {.if_none_match = "*"}, .token = "T"}));
    CHECK(co_await content(site.options, "to") == "x");
    CHECK(co_await content(site.options, "from") == "y");
    CHECK(co_await rename(store, "from", "to", {.token = "U"}));
    CHECK(co_await content(site.options, "to") == "y");
  });
}
