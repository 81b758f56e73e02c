// Publishing: who wins, what an overwrite keeps, staging by name, and what is told of commits.
#include "tests/s3/store/store_driver.h"

using namespace millrace;
using namespace millrace::tests;

namespace {

// As on a filesystem without O_TMPFILE.
void stage_by_name(Site& site) {
  site.options.abilities.tmpfile_link = {ENOTSUP};
}

Task<> race(Site& site, std::string key) {
  st::Store store(site.options, site.locks);
  constexpr unsigned writers = 12;
  std::vector<unsigned> winners;
  engine::TaskGroup group;
  const auto write = [&](unsigned number) -> Task<> {
    const auto done = co_await put(store, key, "writer " + std::to_string(number),
                                   {.conditions = {.must_not_exist = true}});
    if (done) winners.push_back(number);
    if (!done) CHECK(done.error().is(EEXIST));
  };
  for (unsigned number = 0; number < writers; ++number) group.adopt(write(number));
  co_await group.join();
  REQUIRE(winners.size() == 1);
  CHECK(co_await content(site.options, key) == "writer " + std::to_string(winners[0]));
}

}  // namespace

TEST_CASE("of many writers that allow no overwrite exactly one wins") {
  on_shard([](engine::Shard&) -> Task<> {
    for (const bool named : {false, true}) {
      Site site;
      if (named) stage_by_name(site);
      co_await race(site, "new");
      co_await race(site, "deep/er/new");
      // The key is a directory already: the object is inside.
      co_await race(site, "deep");
      CHECK(site.nothing_aside());
    }
  });
}

TEST_CASE("writers that allow no overwrite race with conversions and removals") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    int alive = 0;
    engine::TaskGroup group;
    const auto create = [&](unsigned number) -> Task<> {
      for (unsigned i = 0; i < 6; ++i) {
        const auto made = co_await put(store, "k", "c" + std::to_string(number),
                                       {.conditions = {.must_not_exist = true}});
        if (made) ++alive;
        if (!made) CHECK(made.error().is(EEXIST));
        const auto gone = co_await remove(store, "k");
        CHECK(gone);
        if (gone && gone->existed) --alive;
      }
    };
    const auto turn = [&]() -> Task<> {
      for (unsigned i = 0; i < 6; ++i) {
        CHECK(co_await put(store, "k/below", "x"));
        CHECK(co_await remove(store, "k/below"));
      }
    };
    for (unsigned number = 0; number < 4; ++number) group.adopt(create(number));
    group.adopt(turn());
    co_await group.join();
    // Every creation that won was removed once: none was lost, none counted twice.
    CHECK(alive == 0);
    CHECK(site.tree().empty());
    CHECK(site.nothing_aside());
  });
}

TEST_CASE("an overwrite keeps owner and mode, a new object gets the principal's") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    const bool root = ::geteuid() == 0;
    const PutOptions as_somebody{
        .owner = {.uid = root ? 1234 : ::geteuid(), .gid = root ? 2345 : ::getegid()}};
    for (const std::string key : {"k", "d/e"}) {
      CAPTURE(key);
      REQUIRE(co_await put(store, key, "1", as_somebody));
      CHECK(site.status(key).st_uid == *as_somebody.owner.uid);
      CHECK((site.status(key).st_mode & 07777) == 0644);
      REQUIRE(::chmod(site.path(key).c_str(), 02640) == 0);
      if (root) REQUIRE(::chown(site.path(key).c_str(), 77, 78) == 0);
      REQUIRE(::chmod(site.path(key).c_str(), 02640) == 0);
      REQUIRE(co_await put(store, key, "22", as_somebody));
      CHECK((site.status(key).st_mode & 07777) == 02640);
      if (root) CHECK((site.status(key).st_uid == 77 && site.status(key).st_gid == 78));
    }
    // Also when the object is inside of its directory by now.
    REQUIRE(co_await put(store, "k/below", "x"));
    REQUIRE(co_await put(store, "k", "333", as_somebody));
    CHECK((site.status("k/.mr.f").st_mode & 07777) == 02640);
  });
}

TEST_CASE("where containers share the data, nothing is changed for an asker that has gone") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    // It goes while the lock is waited for.
    unsigned looks = 0;
    const st::Asker asker = {
        .has_gone = [](void* count) { return ++*static_cast<unsigned*>(count) > 1; },
        .context = &looks};
    REQUIRE((co_await put(store, "key", "alone", {.asker = asker})).has_value());
    CHECK(looks == 0);
    const engine::Descriptor file(
        ::openat(site.options.data_fd, "key-locks", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    site.locks.share(file.get(), true);
    const auto late = co_await put(store, "key", "late", {.asker = asker});
    REQUIRE(!late.has_value());
    CHECK(late.error().is(ESHUTDOWN));
    CHECK(co_await content(site.options, "key") == "alone");
    st::MappedPath path;
    map_key("key", path);
    looks = 0;
    const auto removed = co_await store.remove("bucket", path, "key", {}, asker);
    REQUIRE(!removed.has_value());
    CHECK(co_await content(site.options, "key") == "alone");
    // Nobody keeps the key's lock.
    CHECK((co_await put(store, "key", "next")).has_value());
    CHECK(site.nothing_aside());
  });
}

TEST_CASE("staging by name publishes alike and leaves nothing") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    stage_by_name(site);
    st::Store store(site.options, site.locks);
    for (const std::string key : {"a", "a/b", "a", "a/b", "c/d"}) {
      REQUIRE(co_await put(store, key, "of " + key));
      CHECK(co_await content(site.options, key) == "of " + key);
      CHECK(site.nothing_aside());
    }
    CHECK(site.status("c/d").st_nlink == 1);
    const auto refused = co_await put(store, "a", "no", {.conditions = {.must_not_exist = true}});
    CHECK((!refused && refused.error().is(EEXIST)));
    CHECK(site.nothing_aside());
    CHECK(co_await content(site.options, "a") == "of a");
  });
}

TEST_CASE("a bucket that is not there takes no object") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    REQUIRE(::rmdir(site.path("").c_str()) == 0);
    st::Store store(site.options, site.locks);
    for (const bool named : {false, true}) {
      if (named) site.options.abilities.tmpfile_link = {ENOTSUP};
      st::Store each(site.options, site.locks);
      const auto made = co_await put(each, "a/b", "x");
      CHECK((!made && made.error().is(ENOENT)));
    }
    const auto gone = co_await remove(store, "a/b");
    CHECK((!gone && gone.error().is(ENOENT)));
    CHECK(!std::filesystem::exists(site.directory.path() + "/bucket"));
  });
}

TEST_CASE("commits are told once, with both sizes, and failures are not") {
  on_shard([](engine::Shard&) -> Task<> {
    struct Told {
      std::string text;
      static void note(void* context, const st::CommitEvent& event) {
        const auto size = [](std::optional<std::uint64_t> bytes) {
          return bytes ? std::to_string(*bytes) : std::string("-");
        };
        static_cast<Told*>(context)->text +=
            std::string(event.key) + " " + size(event.size_before) + ">" + size(event.size_after) +
            (event.kind == st::CommitKind::remove ? " removed\n" : "\n");
      }
    };
    Site site;
    Told told;
    site.options.commits = {&Told::note, &told};
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "a", "1"));
    REQUIRE(co_await put(store, "a", "22"));
    CHECK(!co_await put(store, "a", "333", {.conditions = {.must_not_exist = true}}));
    REQUIRE(co_await put(store, "a/b", "4444"));
    REQUIRE(co_await remove(store, "a"));
    REQUIRE(co_await remove(store, "a"));
    CHECK(told.text == "a ->1\na 1>2\na/b ->4\na 2>- removed\n");
  });
}
