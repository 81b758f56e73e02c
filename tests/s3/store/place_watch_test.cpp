// The watch over the directories above kept objects: what begins an era, and what does not. On
// the real ring only, as the cache that it serves (object_cache_test.cpp).
#include "s3/store/place_watch.h"

#include "tests/s3/store/store_driver.h"
#include "tests/skip.h"

#include <sys/mount.h>
#include <unistd.h>

using namespace millrace;
using namespace millrace::tests;

namespace {

Task<std::uint64_t> era_of_next_turn(st::PlaceWatch& places) {
  co_await engine::sleep_for(1);
  co_return places.era();
}

Task<> make_directories(const Site& site) {
  std::filesystem::create_directories(site.path("a/b/c"));
  std::filesystem::create_directories(site.path("d"));
  site.write_file("a/b/c/k", "content");
  // Names that are in the kernel's caches are all that is watched.
  CHECK(site.exists("a/b/c/k"));
  CHECK(site.exists("d"));
  co_return;
}

}  // namespace

TEST_CASE("place watch: an era ends by a move of a watched directory, and by nothing smaller") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    co_await make_directories(site);
    st::PlaceWatch places(site.options.data_fd);
    const auto first = places.era();
    REQUIRE(places.watch("bucket/a/b/c/k"));
    CHECK(places.directories() == 4);  // the data directory itself is known by its descriptor
    REQUIRE(places.watch("bucket/a/b/c/l"));
    CHECK(places.directories() == 4);

    site.write_file("a/b/c/k", "changed");
    site.write_file("a/b/c/l", "new");
    REQUIRE(::unlink(site.path("a/b/c/l").c_str()) == 0);
    std::filesystem::create_directories(site.path("a/b/e"));
    REQUIRE(::rename(site.path("d").c_str(), site.path("a/d").c_str()) == 0);  // not watched
    CHECK(co_await era_of_next_turn(places) == first);
    CHECK(places.directories() == 4);

    REQUIRE(::rename(site.path("a/b").c_str(), site.path("a/z").c_str()) == 0);
    const auto second = co_await era_of_next_turn(places);
    CHECK(second != first);
    CHECK(places.directories() == 0);
    CHECK(co_await era_of_next_turn(places) == second);
    CHECK_FALSE(places.watch("bucket/a/b/c/k"));
    REQUIRE(places.watch("bucket/a/z/c/k"));
    CHECK(co_await era_of_next_turn(places) == second);
  });
}

TEST_CASE("place watch: a directory that was removed is watched anew when it is made again") {
  on_shard([](engine::Shard&) -> Task<> {
    // With a file of it open the kernel lets go of the old one, and says so, only much later.
    for (const bool held : {false, true}) {
      Site site;
      co_await make_directories(site);
      site.write_file("d/held", "content");
      st::PlaceWatch places(site.options.data_fd);
      REQUIRE(places.watch("bucket/d/k"));
      const auto first = places.era();
      engine::Descriptor open;
      if (held) open = engine::Descriptor(::open(site.path("d/held").c_str(), O_RDONLY));
      REQUIRE(::unlink(site.path("d/held").c_str()) == 0);
      REQUIRE(::rmdir(site.path("d").c_str()) == 0);
      CHECK(co_await era_of_next_turn(places) == first);
      CHECK(places.directories() == (held ? 2 : 1));
      REQUIRE(::mkdir(site.path("d").c_str(), 0755) == 0);
      CHECK(site.exists("d"));
      REQUIRE(places.watch("bucket/d/k"));
      CHECK(places.directories() == (held ? 3 : 2));
      REQUIRE(::rename(site.path("d").c_str(), site.path("e").c_str()) == 0);
      CHECK(co_await era_of_next_turn(places) != first);
    }
  });
}

TEST_CASE("place watch: watches are dropped with the last object") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    constexpr int directories = 100;
    st::PlaceWatch places(site.options.data_fd);
    for (int i = 0; i < directories; ++i) {
      const std::string name = "d" + std::to_string(i);
      std::filesystem::create_directories(site.path(name));
      CHECK(site.exists(name));
      REQUIRE(places.watch(("bucket/" + name + "/k").c_str()));
    }
    CHECK(places.directories() == directories + 1);
    const auto era = places.era();
    places.trim(1);
    CHECK(places.directories() == directories + 1);
    CHECK(places.era() == era);
    places.trim(0);
    CHECK(places.directories() == 0);
    CHECK(places.era() != era);
    co_return;
  });
}

TEST_CASE("place watch: a filesystem mounted anywhere ends the era") {
  if (::geteuid() != 0) MILLRACE_SKIP("needs root");
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    co_await make_directories(site);
    st::PlaceWatch places(site.options.data_fd);
    REQUIRE(places.watch("bucket/a/b/c/k"));
    const auto first = co_await era_of_next_turn(places);
    if (::mount("none", site.path("a").c_str(), "tmpfs", 0, "size=64k") < 0) {
      REQUIRE(errno == EPERM);
      report_skip("may not mount");
      co_return;
    }
    const auto second = co_await era_of_next_turn(places);
    CHECK(second != first);
    REQUIRE(::umount2(site.path("a").c_str(), 0) == 0);
    CHECK(co_await era_of_next_turn(places) != second);
  });
}
