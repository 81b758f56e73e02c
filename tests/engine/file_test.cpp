// File operations on a real directory: what they do, and which errors they report.
#include "engine/file.h"

#include "tests/engine/shard_driver.h"

#include <linux/fs.h>
#include <poll.h>
#include <sys/stat.h>

#include <cstring>
#include <set>

using namespace millrace::engine;
using namespace millrace::tests;

namespace {

Task<Descriptor> made(int directory, const char* name, std::string_view content = "") {
  auto fd = co_await file::open(directory, name, O_RDWR | O_CREAT | O_EXCL, 0600);
  REQUIRE(fd);
  CHECK(co_await file::write(fd->get(), bytes_of(content), 0));
  co_return std::move(*fd);
}

Task<std::string> content_of(int fd) {
  std::vector<std::byte> into(2'000'000);
  const auto got = co_await file::read(fd, into, 0);
  REQUIRE(got);
  co_return text_of(std::span(into).first(*got));
}

}  // namespace

TEST_CASE("file: write and read at offsets, to the end and past it") {
  on_shard([](Shard&) -> Task<> {
    const TemporaryDirectory directory;
    const std::string text = pattern(700'001);
    const Descriptor fd = co_await made(directory.fd(), "a", text);
    CHECK(co_await file::sync(fd.get()));
    CHECK(co_await file::sync(fd.get(), file::SyncKind::data));
    CHECK(co_await content_of(fd.get()) == text);
    std::vector<std::byte> into(100);
    const auto tail = co_await file::read(fd.get(), into, text.size() - 30);
    REQUIRE(tail);
    CHECK(text_of(std::span(into).first(*tail)) == text.substr(text.size() - 30));
    const auto past = co_await file::read(fd.get(), into, text.size() + 5);
    REQUIRE(past);
    CHECK(*past == 0);
    CHECK(co_await file::truncate(fd.get(), 10));
    CHECK(co_await content_of(fd.get()) == text.substr(0, 10));
    CHECK(co_await file::allocate(fd.get(), 0, 5000));
    struct statx about{};
    CHECK(co_await file::stat(fd.get(), "", about));
    CHECK(about.stx_size == 5000);
  });
}

TEST_CASE("file: open reports EEXIST and ENOENT, and never leaves its directory") {
  on_shard([](Shard&) -> Task<> {
    const TemporaryDirectory directory;
    const int dir = directory.fd();
    (co_await made(dir, "a")).reset();
    CHECK((co_await file::open(dir, "a", O_RDWR | O_CREAT | O_EXCL, 0600)).error().is(EEXIST));
    CHECK((co_await file::open(dir, "b", O_RDONLY)).error().is(ENOENT));
    CHECK((co_await file::open(dir, "../etc/passwd", O_RDONLY)).error().is(EXDEV));
    CHECK((co_await file::open(dir, "/etc/passwd", O_RDONLY)).error().is(EXDEV));
    REQUIRE(::symlinkat("a", dir, "link") == 0);
    CHECK((co_await file::open(dir, "link", O_RDONLY)).error().is(ELOOP));
    const auto opened = co_await file::open(dir, "a", O_RDONLY);
    REQUIRE(opened);
    CHECK((::fcntl(opened->get(), F_GETFD) & FD_CLOEXEC) != 0);
    const auto cached = file::open_cached(dir, "a", O_RDONLY);
    CHECK((cached || cached.error().is(EAGAIN)));
  });
}

TEST_CASE("file: names are given, moved and taken") {
  on_shard([](Shard&) -> Task<> {
    const TemporaryDirectory directory;
    const int dir = directory.fd();
    const Descriptor a = co_await made(dir, "a", "one");
    CHECK(co_await file::link(dir, "a", dir, "b"));
    CHECK((co_await file::link(dir, "a", dir, "b")).error().is(EEXIST));
    CHECK((co_await file::link(dir, "missing", dir, "c")).error().is(ENOENT));
    auto unnamed = co_await file::open(dir, ".", O_RDWR | O_TMPFILE, 0600);
    REQUIRE(unnamed);
    CHECK(co_await file::write(unnamed->get(), bytes_of("two"), 0));
    CHECK((co_await file::link_open(unnamed->get(), dir, "b")).error().is(EEXIST));
    CHECK(co_await file::link_open(unnamed->get(), dir, "two"));
    CHECK(co_await file::rename(dir, "two", dir, "b"));
    CHECK((co_await file::rename(dir, "two", dir, "b")).error().is(ENOENT));
    CHECK((co_await file::rename(dir, "a", dir, "b", RENAME_NOREPLACE)).error().is(EEXIST));
    const auto b = co_await file::open(dir, "b", O_RDONLY);
    REQUIRE(b);
    CHECK(co_await content_of(b->get()) == "two");
    CHECK(co_await file::make_directory(dir, "sub", 0700));
    CHECK((co_await file::make_directory(dir, "sub", 0700)).error().is(EEXIST));
    CHECK((co_await file::unlink(dir, "sub")).error().is(EISDIR));
    CHECK((co_await file::remove_directory(dir, "a")).error().is(ENOTDIR));
    CHECK(co_await file::remove_directory(dir, "sub"));
    CHECK(co_await file::unlink(dir, "a"));
    CHECK((co_await file::unlink(dir, "a")).error().is(ENOENT));
    co_await file::close(std::move(*unnamed));
    co_await file::close(Descriptor());
  });
}

TEST_CASE("file: extended attributes") {
  on_shard([](Shard&) -> Task<> {
    const TemporaryDirectory directory;
    const Descriptor fd = co_await made(directory.fd(), "a");
    std::vector<std::byte> into(200);
    CHECK((co_await file::get_attribute(fd.get(), "user.none", into)).error().is(ENODATA));
    const std::string value = pattern(120);
    CHECK(co_await file::set_attribute(fd.get(), "user.some", bytes_of(value)));
    const auto got = co_await file::get_attribute(fd.get(), "user.some", into);
    REQUIRE(got);
    CHECK(text_of(std::span(into).first(*got)) == value);
    CHECK((co_await file::get_attribute(fd.get(), "user.some", std::span(into).first(10)))
              .error()
              .is(ERANGE));
  });
}

TEST_CASE("file: a directory is read to its end, however small the pieces") {
  on_shard([](Shard&) -> Task<> {
    const TemporaryDirectory directory;
    std::set<std::string> expected{".", ".."};
    for (unsigned i = 0; i < 40; ++i) {
      const std::string name = "name-" + std::to_string(i);
      (co_await made(directory.fd(), name.c_str())).reset();
      expected.insert(name);
    }
    const auto dir = co_await file::open(directory.fd(), ".", O_RDONLY | O_DIRECTORY);
    REQUIRE(dir);
    std::multiset<std::string> seen;
    std::vector<std::byte> into(256);
    for (;;) {
      const auto got = co_await file::read_directory(dir->get(), into);
      REQUIRE(got);
      if (*got == 0) break;
      for (std::size_t at = 0; at < *got;) {
        unsigned short length = 0;
        std::memcpy(&length, into.data() + at + 16, sizeof length);
        seen.insert(reinterpret_cast<const char*>(into.data() + at + 19));
        at += length;
      }
    }
    CHECK(std::vector(seen.begin(), seen.end()) == std::vector(expected.begin(), expected.end()));
  });
}

TEST_CASE("file: ranges are copied in the kernel; modes and times are set") {
  on_shard([](Shard&) -> Task<> {
    const TemporaryDirectory directory;
    const std::string text = pattern(100'000);
    const Descriptor from = co_await made(directory.fd(), "from", text);
    const Descriptor to = co_await made(directory.fd(), "to");
    std::uint64_t done = 0;
    while (done < 50'000) {
      const auto got =
          co_await file::copy_range(from.get(), 1000 + done, to.get(), done, 50'000 - done);
      REQUIRE(got);
      REQUIRE(*got > 0);
      done += *got;
    }
    CHECK(co_await content_of(to.get()) == text.substr(1000, 50'000));
    const auto cloned = co_await file::clone_range(from.get(), 0, to.get(), 0, 4096);
    if (!cloned) CHECK((cloned.error().is(EOPNOTSUPP) || cloned.error().is(EINVAL)));
    CHECK(co_await file::change_mode(to.get(), 0640));
    CHECK(co_await file::change_owner(to.get(), ::getuid(), ::getgid()));
    CHECK(co_await file::set_times(to.get(), {.tv_sec = 1234567, .tv_nsec = 89}));
    struct statx about{};
    CHECK(co_await file::stat(directory.fd(), "to", about));
    CHECK((about.stx_mode & 07777) == 0640);
    CHECK(about.stx_mtime.tv_sec == 1234567);
    CHECK((co_await file::stat(directory.fd(), "nothing", about)).error().is(ENOENT));
  });
}

TEST_CASE("file: a lock excludes, its holder can go on, and closing releases it") {
  on_shard([](Shard& shard) -> Task<> {
    const TemporaryDirectory directory;
    (co_await made(directory.fd(), "lock")).reset();
    unsigned inside = 0;
    unsigned done = 0;
    const auto one = [&]() -> Task<> {
      auto fd = co_await file::open(directory.fd(), "lock", O_RDWR);
      REQUIRE(fd);
      CHECK(co_await file::lock(fd->get()));
      CHECK(++inside == 1);
      co_await sleep_for(10);
      // More waiters than workers: the holder's own calls must still find one.
      CHECK(co_await file::change_mode(fd->get(), 0600));
      --inside;
      ++done;
    };
    for (unsigned i = 0; i < 8; ++i) shard.tasks().adopt(one());
    co_await shard.tasks().join();
    CHECK(done == 8);
  });
}

TEST_CASE("file: an operation that is cancelled ends with its outcome all the same") {
  on_shard([](Shard& shard) -> Task<> {
    SocketPair pair = unix_pair();
    Operation poll({.action = Action::poll, .fd = pair.server.get(), .flags = POLLIN});
    const auto canceller = [&]() -> Task<> {
      co_await sleep_for(5);
      poll.cancel();
    };
    shard.tasks().adopt(canceller());
    CHECK(co_await poll == -ECANCELED);
    poll.cancel();  // nothing is in flight any more
    co_await shard.tasks().join();
  });
}
