// Reading: files from outside, what is no object, and metadata too large for an attribute.
#include "tests/s3/store/store_driver.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

using namespace millrace;
using namespace millrace::tests;

namespace {

// Device nodes need privileges; where there are none, the rest is tested all the same.
void make_special(const Site& site) {
  REQUIRE(::mkfifo(site.path("fifo").c_str(), 0644) == 0);
  REQUIRE(::symlink("target", site.path("link").c_str()) == 0);
  REQUIRE(::symlink("/etc/hostname", site.path("outside").c_str()) == 0);
  REQUIRE(::symlink("real", site.path("linked").c_str()) == 0);
  site.write_file("target", "secret");
  REQUIRE(::mkdir(site.path("real").c_str(), 0755) == 0);
  site.write_file("real/file", "real");
  if (::mknod(site.path("device").c_str(), S_IFCHR | 0644, makedev(1, 3)) != 0) return;
}

const std::vector<std::string> no_objects = {"fifo",     "link",        "outside", "device",
                                             "linked",   "linked/file", "fifo/x",  "link/x",
                                             "target/x", "real"};

Task<> check_sidecar(Site& site, const PutOptions& large) {
  st::Store store(site.options, site.locks);
  REQUIRE(co_await put(store, "a", "content", large));
  CHECK(site.entries(".mr.sys/meta") == 1);
  for (unsigned round = 0; round < 2; ++round) {
    const auto found = co_await get(site.options, "a");
    REQUIRE(found);
    CHECK((found->native && found->user == large.user.size() && found->parts == large.parts));
    CHECK(found->content == "content");
    // Also when the object becomes a directory's.
    REQUIRE(co_await put(store, "a/b", "x"));
  }
  REQUIRE(co_await put(store, "a", "small"));
  CHECK(site.entries(".mr.sys/meta") == 0);
  REQUIRE(co_await put(store, "a", "content", large));
  REQUIRE(co_await put(store, "a", "again", large));
  CHECK(site.entries(".mr.sys/meta") == 1);
  REQUIRE(co_await remove(store, "a"));
  CHECK(site.entries(".mr.sys/meta") == 0);
  const auto refused = co_await put(
      store, "a/b", "no",
      {.conditions = {.must_not_exist = true}, .user = large.user, .parts = large.parts});
  CHECK(!refused);
  CHECK(site.entries(".mr.sys/meta") == 0);
}

PutOptions large_metadata(std::string& memory, std::size_t parts) {
  memory = std::string(2048 - 5, 'v');
  return {.user = {{"large", memory}}, .parts = parts};
}

}  // namespace

TEST_CASE("a file from outside is an object with an ETag of its own and a type by its name") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    std::filesystem::create_directory(site.path("dir"));
    site.write_file("dir/page.html", "<html>");
    const auto found = co_await get(site.options, "dir/page.html");
    REQUIRE(found);
    CHECK(!found->native);
    CHECK(found->content == "<html>");
    CHECK(found->content_type == "text/html");
    CHECK(found->etag.find('-') != std::string::npos);
    // It is replaced and removed like any other.
    st::Store store(site.options, site.locks);
    const auto replaced = co_await put(store, "dir/page.html", "mine");
    CHECK((replaced && replaced->existed && replaced->size == 6));
    const auto native = co_await get(site.options, "dir/page.html");
    CHECK((native && native->native && native->content_type == "text/plain"));
  });
}

TEST_CASE("an object that is edited from outside loses its ETag and checksum at once") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    REQUIRE(co_await put(store, "k", "content"));
    const auto before = co_await get(site.options, "k");
    REQUIRE((before && before->native));
    // Of the same length, within the same tick of the clock: the nanoseconds tell.
    const engine::Descriptor file(::open(site.path("k").c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE(::pwrite(file.get(), "C", 1, 0) == 1);
    const auto after = co_await get(site.options, "k");
    REQUIRE(after);
    CHECK((!after->native && after->etag != before->etag));
    CHECK(after->etag.find('-') != std::string::npos);
    CHECK(after->content == "Content");
  });
}

TEST_CASE("what is no regular file is no object, is not waited for and not followed") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    make_special(site);
    st::Store store(site.options, site.locks);
    for (const std::string& key : no_objects) {
      CAPTURE(key);
      CHECK(co_await content(site.options, key) == absent);
    }
    // Nothing is written through them or below them, and nobody tries a thousand times.
    for (const std::string key : {"fifo/x", "linked/new", "link/x"}) {
      CAPTURE(key);
      const auto made = co_await put(store, key, "x");
      REQUIRE(!made);
      CHECK(made.error() == engine::Error{engine::Errc::unsupported, 0});
      const auto gone = co_await remove(store, key);
      CHECK((gone && !gone->existed));
    }
    CHECK(!site.exists("real/new"));
    CHECK(S_ISFIFO(site.status("fifo").st_mode));
    CHECK(co_await content(site.options, "target") == "secret");
    CHECK(site.nothing_aside());
  });
}

TEST_CASE("the object of a directory is served only if it is a regular file too") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    for (const std::string name : {"f", "l", "d"})
      std::filesystem::create_directory(site.path(name));
    REQUIRE(::mkfifo(site.path("f/.mr.f").c_str(), 0644) == 0);
    REQUIRE(::symlink("/etc/hostname", site.path("l/.mr.f").c_str()) == 0);
    std::filesystem::create_directory(site.path("d/.mr.f"));
    for (const std::string key : {"f", "l", "d"}) {
      CAPTURE(key);
      CHECK(co_await content(site.options, key) == absent);
    }
  });
}

TEST_CASE("metadata that an attribute has no room for is in a sidecar, and goes with its object") {
  on_shard([](engine::Shard&) -> Task<> {
    std::string memory;
    for (const std::size_t parts : {300U, 10'000U}) {
      Site site;
      co_await check_sidecar(site, large_metadata(memory, parts));
    }
    // A filesystem with little room for attributes.
    Site small;
    small.options.abilities.attribute_bytes_max = 400;
    co_await check_sidecar(small, large_metadata(memory, 0));
  });
}

TEST_CASE("a copy of an object without its sidecar is served by what its attribute says") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    std::string memory;
    REQUIRE(co_await put(store, "k", "content", large_metadata(memory, 10'000)));
    const auto original = co_await get(site.options, "k");
    const std::string copy = "cp -a '" + site.path("k") + "' '" + site.path("copy") + "'";
    REQUIRE(std::system(copy.c_str()) == 0);
    const auto found = co_await get(site.options, "copy");
    REQUIRE(found);
    CHECK((found->content == "content" && found->user == 0 && found->parts == 0));
    CHECK((found->native && found->etag == original->etag));
    // To replace or remove the copy leaves the original's sidecar alone.
    REQUIRE(co_await put(store, "copy", "new"));
    REQUIRE(co_await remove(store, "copy"));
    const auto still = co_await get(site.options, "k");
    CHECK((still && still->user == 1 && still->parts == 10'000));
    // Without any sidecars at all nothing is made for a reader.
    std::filesystem::remove_all(site.path(".mr.sys"));
    CHECK(co_await content(site.options, "k") == "content");
    CHECK(!site.exists(".mr.sys"));
  });
}

TEST_CASE("a damaged attribute or sidecar is an error, never another object's answer") {
  on_shard([](engine::Shard&) -> Task<> {
    Site site;
    st::Store store(site.options, site.locks);
    std::string memory;
    REQUIRE(co_await put(store, "k", "content", large_metadata(memory, 1000)));
    for (const auto& entry : std::filesystem::directory_iterator(site.path(".mr.sys/meta"))) {
      const engine::Descriptor file(::open(entry.path().c_str(), O_WRONLY | O_CLOEXEC));
      REQUIRE(::pwrite(file.get(), "?", 1, 100) == 1);
    }
    const auto found = co_await get(site.options, "k");
    CHECK((!found && found.error().code == engine::Errc::corrupt));
    REQUIRE(::setxattr(site.path("k").c_str(), st::metadata_attribute_name, "MRA?", 4, 0) == 0);
    const auto damaged = co_await get(site.options, "k");
    CHECK((!damaged && damaged.error().code == engine::Errc::corrupt));
    // It can be replaced.
    REQUIRE(co_await put(store, "k", "new"));
    CHECK(co_await content(site.options, "k") == "new");
  });
}
