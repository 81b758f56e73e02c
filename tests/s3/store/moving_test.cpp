// Objects that become directories without RENAME_EXCHANGE: what is seen meanwhile, and what the
// next request or the next start makes of the work of a process that died in the middle.
#include "tests/s3/store/moving_driver.h"

#include "engine/group.h"
#include "s3/store/bucket.h"

#include <fstream>

namespace millrace::tests {
namespace {

namespace fs = std::filesystem;

constexpr std::array<Lacking, 2> kinds{only_exchange, like_gluster};

TEST_CASE("an object becomes a directory, and is a file again when it was deleted") {
  for (const Lacking& kind : kinds) {
    on_shard([kind](engine::Shard&) -> Task<> {
      MovingBucket bucket(kind);
      st::Store store(bucket.options, bucket.locks);
      for (const std::string top : {"a", "deep/er/a"}) {
        CAPTURE(top);
        CHECK(co_await put(store, top, "one"));
        CHECK(co_await put(store, top + "/b/c", "below"));
        CHECK(bucket.is_directory(top));
        CHECK(bucket.exists(top + "/.mr.f"));
        CHECK(bucket.aside() == 0);
        CHECK(co_await get(store, top) == "one");
        CHECK(co_await get(store, top + "/b/c") == "below");
        const auto again = co_await put(store, top, "two");
        REQUIRE(again);
        CHECK(again->existed);
        CHECK(co_await get(store, top) == "two");
        CHECK(co_await remove(store, top));
        CHECK(co_await get(store, top) == std::nullopt);
        CHECK(co_await get(store, top + "/b/c") == "below");
        CHECK(co_await remove(store, top + "/b/c"));
        CHECK(bucket.names_in("") == 1);  // .mr.sys
        CHECK(co_await put(store, top, "three"));
        CHECK_FALSE(bucket.is_directory(top));
        CHECK(co_await remove(store, top));
      }
      CHECK(bucket.names_in(".mr.sys/staging") == 0);
    });
  }
}

// What everybody who works on the key `a` of the test below knows of it.
struct Known {
  bool present = false;   // acknowledged, and no removal was begun since
  unsigned removals = 0;  // begun
  unsigned reads = 0;
  unsigned found = 0;
  bool writing = true;
};

Task<> watch(const st::Store& store, std::string key, Known& known) {
  while (known.writing) {
    const bool present = known.present;
    const unsigned removals = known.removals;
    const auto text = co_await get(store, key);
    ++known.reads;
    if (text) ++known.found;
    if (present && removals == known.removals) CHECK(text.has_value());
    co_await engine::Yield{};  // what is in the kernel's caches is read without a wait
  }
}

// Puts and removes a neighbour below or beside; each put may turn the object, each removal may
// take the directories that were left empty.
Task<> disturb(st::Store& store, std::string key, const Known& known) {
  while (known.writing) {
    CHECK(co_await put(store, key, "neighbour"));
    CHECK(co_await get(store, key) == "neighbour");
    CHECK(co_await remove(store, key));
    // The others are to find no directory, too, now and then.
    for (unsigned i = 0; i < 100 && known.writing; ++i) co_await engine::Yield{};
  }
}

Task<> back_and_forth(st::Store& store, std::string key, unsigned rounds, Known& known) {
  for (unsigned i = 0; i < rounds; ++i) {
    CHECK(co_await put(store, key, std::to_string(i)));
    known.present = true;
    CHECK(co_await put(store, key + "/own", "neighbour"));
    CHECK(co_await get(store, key) == std::to_string(i));
    CHECK(co_await remove(store, key + "/own"));
    CHECK(co_await get(store, key) == std::to_string(i));
    known.present = false;
    ++known.removals;
    const auto removed = co_await remove(store, key);
    REQUIRE(removed);
    CHECK(removed->existed);
    CHECK(co_await get(store, key) == std::nullopt);
  }
  known.writing = false;
}

TEST_CASE("readers never miss an object that turns back and forth") {
  bool moved = false;  // in any of them: each may happen to find no file to move
  for (const Lacking& kind : kinds) {
    for (const std::string above : {"", "x/", "x/y/"}) {
      CAPTURE(above);
      on_shard([kind, above, &moved](engine::Shard&) -> Task<> {
        MovingBucket bucket(kind);
        st::Store store(bucket.options, bucket.locks);
        Known known;
        engine::TaskGroup group;
        group.adopt(watch(store, above + "a", known));
        group.adopt(watch(store, above + "a", known));
        group.adopt(disturb(store, above + "a/b", known));
        group.adopt(disturb(store, above + "a/c/d", known));
        if (!above.empty()) group.adopt(disturb(store, above + "beside", known));
        const unsigned rounds = ring_kind().fake ? 8 : 60;
        group.adopt(back_and_forth(store, above + "a", rounds, known));
        co_await group.join();
        CHECK(known.found > 0);
        moved = moved || bucket.exists(".mr.sys/moving");
        CHECK(bucket.aside() == 0);
        CHECK(bucket.names_in("") == (bucket.exists(".mr.sys") ? 1 : 0));
        CHECK(bucket.names_in(".mr.sys/staging") == 0);
      });
    }
  }
  CHECK((moved || ring_kind().fake));
}

Task<> disturb_once(st::Store& store) {
  CHECK(co_await put(store, "x/beside", "neighbour"));
  CHECK(co_await remove(store, "x/beside"));
}

TEST_CASE("an object above an object turns while that one turns too") {
  on_shard([](engine::Shard&) -> Task<> {
    MovingBucket bucket;
    st::Store store(bucket.options, bucket.locks);
    const unsigned rounds = ring_kind().fake ? 5 : 40;
    for (unsigned i = 0; i < rounds; ++i) {
      // x/a is turned; when it leaves x empty, x may become an object, and must turn for x/a.
      CHECK(co_await put(store, "x/a", "lower"));
      engine::TaskGroup group;
      const auto put_one = [&](std::string key) -> Task<> {
        CHECK(co_await put(store, key, "of " + key));
      };
      group.adopt(put_one("x/a/b"));
      group.adopt(put_one("x"));
      group.adopt(disturb_once(store));
      co_await group.join();
      CHECK(co_await get(store, "x/a") == "lower");
      CHECK(co_await get(store, "x") == "of x");
      CHECK(co_await get(store, "x/a/b") == "of x/a/b");
      for (const char* key : {"x/a/b", "x/a", "x"}) CHECK(co_await remove(store, key));
      CHECK(bucket.aside() == 0);
      CHECK(bucket.names_in("") == 1);
    }
  });
}

// Where a process may have died, in the order of its steps, and what a power cut may have brought
// back of a move that had ended.
enum class Died {
  noted,        // the note is there
  linked,       // and the file aside, as well as under its key
  unnoted,      // the same, but the cut has kept only the link
  left,         // only aside
  alone,        // only aside, and the directories above were removed
  made,         // aside, and the directory is there
  inside,       // aside and `.mr.f`
  overwritten,  // the name aside came back, `.mr.f` is newer
  replaced,     // the name aside came back, the key is another file by now
};
constexpr std::array all_deaths{Died::noted,  Died::linked,      Died::unnoted,
                                Died::left,   Died::alone,       Died::made,
                                Died::inside, Died::overwritten, Died::replaced};

// The object `x/a` with the text "one" (or "new"), as if its mover had died there.
Task<std::string> die(MovingBucket& bucket, Died died) {
  st::Store store(bucket.options, bucket.locks);
  CHECK(co_await put(store, "x/a", "one"));
  const st::MovingNames names("bkt", "x/a");
  const std::string moving = bucket.path(".mr.sys/moving/");
  fs::create_directories(moving);
  if (died != Died::unnoted) std::ofstream(moving + names.note()) << "x/a";
  if (died == Died::noted) co_return "one";
  const std::string link = moving + names.link();
  fs::create_hard_link(bucket.path("x/a"), link);
  if (died == Died::linked || died == Died::unnoted) co_return "one";
  fs::remove(bucket.path("x/a"));
  if (died == Died::left) co_return "one";
  if (died == Died::alone) {
    fs::remove(bucket.path("x"));
    co_return "one";
  }
  if (died == Died::replaced) {
    fs::rename(link, link + "-kept");
    CHECK(co_await put(store, "x/a", "new"));
    fs::rename(link + "-kept", link);
    co_return "new";
  }
  fs::create_directory(bucket.path("x/a"));
  if (died == Died::made) co_return "one";
  fs::create_hard_link(link, bucket.path("x/a/.mr.f"));
  if (died == Died::inside) co_return "one";
  fs::rename(link, link + "-kept");
  CHECK(co_await put(store, "x/a", "new"));
  fs::rename(link + "-kept", link);
  std::ofstream(moving + names.note()) << "x/a";
  co_return "new";
}

Task<> check_alive(const st::Store& store, const MovingBucket& bucket, std::string text) {
  CHECK(co_await get(store, "x/a") == text);
  CHECK(bucket.aside() == 0);
}

TEST_CASE("a move that died anywhere: the object is there, and whoever comes next ends it") {
  for (const Lacking& kind : kinds) {
    for (const Died died : all_deaths) {
      CAPTURE(static_cast<int>(died));
      on_shard([kind, died](engine::Shard&) -> Task<> {
        for (unsigned who = 0; who < 6; ++who) {
          CAPTURE(who);
          MovingBucket bucket(kind);
          const std::string text = co_await die(bucket, died);
          st::Store store(bucket.options, bucket.locks);
          CHECK(co_await get(store, "x/a") == text);
          if (who == 0) {
            const auto put_again = co_await put(store, "x/a", "next");
            REQUIRE(put_again);
            CHECK(put_again->existed);
            // A note alone costs nothing and waits for the next start.
            if (died != Died::noted) co_await check_alive(store, bucket, "next");
          } else if (who == 1) {
            const auto refused = co_await put(store, "x/a", "next", {.must_not_exist = true});
            REQUIRE_FALSE(refused);
            CHECK(refused.error().is(EEXIST));
            if (died != Died::noted) co_await check_alive(store, bucket, text);
          } else if (who == 2) {
            CHECK(co_await put(store, "x/a/b", "below"));
            // A directory that is there already is entered without a look at what is aside.
            const bool entered =
                died == Died::made || died == Died::inside || died == Died::overwritten;
            if (!entered) co_await check_alive(store, bucket, text);
            CHECK(co_await get(store, "x/a") == text);
            CHECK(co_await remove(store, "x/a"));
            CHECK(co_await get(store, "x/a/b") == "below");
          } else if (who == 3) {
            const auto removed = co_await remove(store, "x/a");
            REQUIRE(removed);
            CHECK(removed->existed);
            CHECK(co_await get(store, "x/a") == std::nullopt);
            CHECK_FALSE(bucket.exists("x"));
            if (died != Died::noted) CHECK(bucket.aside() == 0);
          } else if (who == 4) {
            CHECK(co_await store.finish_moves("bkt"));
            if (died != Died::unnoted) co_await check_alive(store, bucket, text);
          } else {
            const auto refused = co_await st::delete_bucket(bucket.options, "bkt");
            REQUIRE_FALSE(refused);
            CHECK(refused.error().is(ENOTEMPTY));
            CHECK(co_await get(store, "x/a") == text);
          }
          CHECK(bucket.names_in(".mr.sys/staging") == 0);
        }
      });
    }
  }
}

TEST_CASE("what looks like a note and is none is passed over") {
  on_shard([](engine::Shard&) -> Task<> {
    MovingBucket bucket;
    st::Store store(bucket.options, bucket.locks);
    CHECK(co_await put(store, "a", "one"));
    const std::string moving = bucket.path(".mr.sys/moving/");
    fs::create_directories(moving);
    const st::MovingNames names("bkt", "a");
    std::ofstream(moving + names.note()) << "torn";
    std::ofstream(moving + "0123456789abcdef0123456789abcdef.path") << "b";
    std::ofstream(moving + "readme") << "b";
    CHECK(co_await store.finish_moves("bkt"));
    CHECK(bucket.aside() == 3);
    CHECK(co_await put(store, "a/b", "below"));  // a torn note gives way
    CHECK(co_await get(store, "a") == "one");
    CHECK(bucket.aside() == 2);
  });
}

TEST_CASE("an object without a note is read where its key is") {
  on_shard([](engine::Shard&) -> Task<> {
    MovingBucket bucket;
    st::Store store(bucket.options, bucket.locks);
    CHECK(co_await put(store, "b", "of b"));
    const std::string moving = bucket.path(".mr.sys/moving/");
    fs::create_directories(moving);
    // As if b's path had the hash of a's.
    const st::MovingNames names("bkt", "a");
    fs::create_hard_link(bucket.path("b"), moving + names.link());
    CHECK(co_await get(store, "a") == std::nullopt);
    std::ofstream(moving + names.note()) << "a";
    CHECK(co_await get(store, "a") == "of b");
  });
}

TEST_CASE("long and odd keys turn and are found again at start") {
  if (ring_kind().fake) return;  // nothing in it depends on the order of requests
  on_shard([](engine::Shard&) -> Task<> {
    for (const std::string& key :
         {std::string(700, 'l') + "/" + std::string(300, 'm'), std::string("a//"),
          std::string("./..//.mr.f/.nfs1/.mr.sys"), std::string(1000, '/') + "x"}) {
      CAPTURE(key);
      MovingBucket bucket;
      st::Store store(bucket.options, bucket.locks);
      CHECK(co_await put(store, key, "one"));
      CHECK(co_await put(store, key + "/b", "below"));
      CHECK(co_await get(store, key) == "one");
      CHECK(bucket.aside() == 0);
      // Aside again, with nothing left in its place.
      CHECK(co_await remove(store, key + "/b"));
      CHECK(co_await remove(store, key));
      CHECK(co_await put(store, key, "two"));
      Place place(key);
      const st::MovingNames names("bkt", place.path.view());
      fs::create_directories(bucket.path(".mr.sys/moving"));
      const auto file = co_await st::open_names(bucket.directory.fd(), "bkt", place.path,
                                                place.path.names(), O_PATH);
      REQUIRE(file);
      REQUIRE(::linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(file->get())).c_str(),
                       bucket.directory.fd(), names.link_path(), AT_SYMLINK_FOLLOW) == 0);
      std::ofstream(bucket.directory.path() + "/" + names.note_path()) << place.path.view();
      CHECK(co_await store.finish_moves("bkt") == 1);
      CHECK(bucket.aside() == 0);
      CHECK(co_await get(store, key) == "two");
      CHECK(co_await remove(store, key));
      CHECK(bucket.names_in("") == 1);
    }
  });
}

}  // namespace
}  // namespace millrace::tests
