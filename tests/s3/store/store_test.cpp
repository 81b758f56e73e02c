// Objects by their keys: put, overwritten, removed, and keys that are file and directory at once,
// one after another, many at a time on one shard, and from two threads.
#include "tests/s3/store/store_driver.h"

#include <barrier>
#include <thread>

using namespace millrace;
using namespace millrace::tests;

namespace {

std::string slashes(std::size_t count) {
  return std::string(count, '/');
}

// Every key of the design's list of hard ones.
const std::vector<std::string> hard_keys = {"plain",
                                            "a/b/c",
                                            "a//b",
                                            "/leading",
                                            "trailing/",
                                            "..",
                                            ".",
                                            "x/../y",
                                            ".mr.f",
                                            ".mr.sys/bucket",
                                            ".mr.0",
                                            ".nfs123",
                                            ".snap",
                                            std::string(255, 'n'),
                                            std::string(256, 'n'),
                                            std::string(1024, 'n'),
                                            slashes(1),
                                            slashes(1024),
                                            slashes(512) + "x",
                                            std::string(300, 'p') + "/" + std::string(700, 'q')};

}  // namespace

TEST_CASE("what is put under a key is read back, overwritten and removed, whatever the key") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    for (const std::string& key : hard_keys) {
      CAPTURE(key);
      const auto first = co_await put(store, key, "first");
      REQUIRE(first);
      CHECK(!first->existed);
    }
    // All at once: none hides or replaces another.
    for (const std::string& key : hard_keys) CHECK(co_await content(site.options, key) == "first");
    for (const std::string& key : hard_keys) {
      CAPTURE(key);
      const auto second = co_await put(store, key, "another");
      REQUIRE(second);
      CHECK((second->existed && second->size == 5));
      CHECK(co_await content(site.options, key) == "another");
      const auto gone = co_await remove(store, key);
      REQUIRE(gone);
      CHECK((gone->existed && gone->size == 7));
      CHECK(co_await content(site.options, key) == absent);
      const auto again = co_await remove(store, key);
      REQUIRE(again);
      CHECK(!again->existed);
    }
    CHECK(site.tree().empty());
    CHECK(site.nothing_aside());
    CHECK(!site.suspect);
  });
}

TEST_CASE("a and a/b are both objects, whichever comes and goes first") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    const std::vector<std::vector<std::string>> orders = {
        {"a", "a/b", "a/b/c"}, {"a/b/c", "a/b", "a"}, {"a/b", "a", "a/b/c"}};
    for (const auto& order : orders) {
      for (const std::string& key : order) REQUIRE(co_await put(store, key, "of " + key));
      for (const std::string& key : order) {
        CHECK(co_await content(site.options, key) == "of " + key);
        REQUIRE(co_await put(store, key, "new " + key));
        CHECK(co_await content(site.options, key) == "new " + key);
      }
      CHECK(co_await content(site.options, "a/") == absent);
      for (std::size_t i = 0; i < order.size(); ++i) {
        const auto gone = co_await remove(store, order[i]);
        CHECK((gone && gone->existed));
        for (std::size_t left = 0; left < order.size(); ++left) {
          CHECK(co_await content(site.options, order[left]) ==
                (left <= i ? absent : "new " + order[left]));
        }
      }
      CHECK(site.tree().empty());
    }
    CHECK(site.nothing_aside());
  });
}

TEST_CASE("a conversion keeps the object: inode, owner, mode, ETag and metadata") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    const PutOptions with_user{.user = {{"colour", "red"}}};
    REQUIRE(co_await put(store, "a", "content", with_user));
    const auto before = co_await get(site.options, "a");
    const auto inode = site.status("a").st_ino;
    REQUIRE(co_await put(store, "a/b", "other"));
    CHECK(site.status("a/.mr.f").st_ino == inode);
    CHECK(site.status("a/.mr.f").st_nlink == 1);
    const auto after = co_await get(site.options, "a");
    REQUIRE((before && after));
    CHECK((after->etag == before->etag && after->native && after->user == 1));
  });
}

TEST_CASE("an object is there at every moment while others turn its name to and fro") {
  on_shard([](engine::Shard& shard) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "a", "a-begin"));
    unsigned writers = 3;
    engine::TaskGroup group;
    const auto churn = [&](unsigned number) -> Task<> {
      const std::string key = number == 0 ? "a/b" : number == 1 ? "a/c/d" : "a";
      for (unsigned i = 0; i < 12; ++i) {
        CHECK(co_await put(store, key, key + "-" + std::to_string(i)));
        if (number < 2) CHECK(co_await remove(store, key));
      }
      --writers;
    };
    const auto watch = [&]() -> Task<> {
      while (writers > 0) {
        const std::string seen = co_await content(site.options, "a");
        CHECK(seen.starts_with("a-"));
        const std::string below = co_await content(site.options, "a/b");
        CHECK((below == absent || below.starts_with("a/b-")));
        co_await engine::sleep_for(0);
      }
    };
    for (unsigned number = 0; number < 3; ++number) group.adopt(churn(number));
    group.adopt(watch());
    group.adopt(watch());
    co_await group.join();
    CHECK(co_await content(site.options, "a") == "a-11");
    CHECK(site.nothing_aside());
    std::ignore = shard;
  });
}

TEST_CASE("many writers and removers of few keys leave whole objects and nothing else") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    const std::vector<std::string> keys = {"a", "a/b", "a/b/c", "a/", "d"};
    engine::TaskGroup group;
    const auto work = [&](unsigned number) -> Task<> {
      std::uint64_t state = number * 7919 + 17;
      for (unsigned i = 0; i < 8; ++i) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const std::string& key = keys[(state >> 33) % keys.size()];
        if ((state >> 60) % 3 == 0) {
          CHECK(co_await remove(store, key));
        } else {
          CHECK(co_await put(store, key, key + ":" + std::string(1000 + number, 'x')));
        }
        const std::string seen = co_await content(site.options, key);
        CHECK((seen == absent || (seen.starts_with(key + ":") && seen.ends_with("x"))));
      }
    };
    for (unsigned number = 0; number < 16; ++number) group.adopt(work(number));
    co_await group.join();
    for (const std::string& key : keys) REQUIRE(co_await put(store, key, "last " + key));
    for (const std::string& key : keys) {
      CHECK(co_await content(site.options, key) == "last " + key);
    }
    for (const std::string& key : keys) CHECK(co_await remove(store, key));
    CHECK(site.tree().empty());
    CHECK(site.nothing_aside());
    CHECK(store.directory_syncs().run() <= store.directory_syncs().asked());
  });
}

TEST_CASE("parents vanish with the last object below them, and puts make them again") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    engine::TaskGroup group;
    unsigned kept = 0;
    const auto work = [&](unsigned number) -> Task<> {
      const std::string key = "p/q/r/" + std::to_string(number);
      for (unsigned i = 0; i < 10; ++i) {
        const auto made = co_await put(store, key, "x");
        CHECK(made);
        CHECK(co_await content(site.options, key) == "x");
        const auto gone = co_await remove(store, key);
        CHECK((gone && gone->existed));
      }
      ++kept;
    };
    for (unsigned number = 0; number < 8; ++number) group.adopt(work(number));
    co_await group.join();
    CHECK(kept == 8);
    CHECK(site.tree().empty());
  });
}

TEST_CASE("two shards on two threads share keys") {
  if (ring_kind().fake) return;
  Site site;
  std::barrier<> step(2);
  std::array<unsigned, 2> winners{};
  const auto run = [&](unsigned thread) {
    TestShard test;
    st::Store store(site.options, site.locks);
    const auto body = [&]() -> Task<> {
      for (unsigned i = 0; i < 60; ++i) {
        const std::string text = std::to_string(thread) + ":" + std::string(500, 'y');
        if (!co_await put(store, i % 3 == 0 ? "k/l" : "k", text)) std::abort();
        const std::string seen = co_await content(site.options, "k");
        if (seen != absent && seen.size() != text.size()) std::abort();
        if (i % 7 == thread && !co_await remove(store, "k/l")) std::abort();
        const auto only = co_await put(store, "once/" + std::to_string(i), text,
                                       {.conditions = {.must_not_exist = true}});
        if (only) ++winners[thread];
        if (!only && !only.error().is(EEXIST)) std::abort();
      }
    };
    step.arrive_and_wait();
    const Task<> task = body();
    test.shard->run_until(task);
    step.arrive_and_wait();  // a lock may be handed over until both are done
  };
  std::thread other(run, 1);
  run(0);
  other.join();
  CHECK(winners[0] + winners[1] == 60);
  CHECK(site.nothing_aside());
  CHECK(site.exists("k/.mr.f"));
}
