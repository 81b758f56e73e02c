// What a listing says of files without opening them, held against what opening them says, before
// and after changes from everywhere. On the real ring only: the kernel stamps the changes.
#include "s3/store/listing/entry_facts.h"

#include "tests/s3/store/store_driver.h"
#include "tests/skip.h"

#include <sys/xattr.h>

#include <functional>

using namespace millrace;
using namespace millrace::tests;

namespace {

// Longer than two ticks of the coarsest clock: what was made before may be remembered.
constexpr std::uint64_t settled_ms = 150;
constexpr std::size_t count = 20;

std::string name_of(std::size_t index) {
  return "k" + std::to_string(100 + index);
}

struct Looked {
  std::array<std::string, count> names;
  std::array<st::EntryFacts, count> facts;
};

// A page's way: what the job leaves open is opened, and remembered.
Task<> look(const Site& site, st::EntryMemory& memory, Looked& out) {
  const engine::Descriptor directory(
      ::open(site.path("").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::array<st::EntryQuestion, count> questions;
  for (std::size_t i = 0; i < count; ++i) {
    out.names[i] = name_of(i);
    questions[i] = {directory.get(), out.names[i].c_str(), &out.facts[i]};
  }
  REQUIRE(co_await memory.look(questions));
  for (std::size_t i = 0; i < count; ++i) {
    CAPTURE(out.names[i]);
    const std::uint64_t looked_ns = engine::Shard::current().ring().wall_ns();
    st::OpenObject truth;
    const auto opened = co_await st::open_entry(site.options, "bucket", directory.get(),
                                                out.names[i].c_str(), out.names[i], truth);
    const st::EntryFacts& facts = out.facts[i];
    if (facts.state == st::EntryFacts::State::ask) {
      if (opened) memory.remember(truth, looked_ns);
      continue;
    }
    REQUIRE((facts.state == st::EntryFacts::State::known) == opened.has_value());
    if (!opened) continue;
    CHECK(facts.etag() == truth.etag());
    CHECK(facts.size == truth.meta.size);
    CHECK(facts.mtime_ns == truth.mtime_ns);
    CHECK(facts.checksum == truth.meta.checksum.algorithm);
    CHECK(facts.checksum_type == truth.meta.checksum.type);
  }
}

void give_back_times(const Site& site, const std::string& below, const struct stat& old) {
  const timespec times[] = {old.st_atim, old.st_mtim};
  REQUIRE(::utimensat(AT_FDCWD, site.path(below).c_str(), times, 0) == 0);
}

// Of "k100", which S3 has written; "other" is another of its objects.
const std::function<void(const Site&)> changes[] = {
    [](const Site& site) { site.write_file("k100", "grown from outside"); },
    [](const Site& site) {
      const auto old = site.status("k100");
      site.write_file("k100", "CONTENT 0");
      give_back_times(site, "k100", old);
    },
    [](const Site& site) {
      REQUIRE(::rename(site.path("other").c_str(), site.path("k100").c_str()) == 0);
    },
    [](const Site& site) {
      REQUIRE(::renameat2(AT_FDCWD, site.path("other").c_str(), AT_FDCWD, site.path("k100").c_str(),
                          RENAME_EXCHANGE) == 0);
    },
    [](const Site& site) { REQUIRE(::unlink(site.path("k100").c_str()) == 0); },
    [](const Site& site) {
      REQUIRE(::removexattr(site.path("k100").c_str(), "user.millrace") == 0);
    },
    [](const Site& site) {
      REQUIRE(::unlink(site.path("k100").c_str()) == 0);
      REQUIRE(::symlink("other", site.path("k100").c_str()) == 0);
    },
    [](const Site& site) {
      REQUIRE(::unlink(site.path("k100").c_str()) == 0);
      REQUIRE(::mkfifo(site.path("k100").c_str(), 0644) == 0);
    },
};

Task<> fill(const Site& site, st::Store& store) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::string content = "content " + std::to_string(i);
    if (i % 4 == 3) {
      site.write_file(name_of(i), content);  // one from outside
    } else {
      REQUIRE(co_await put(store, name_of(i), content, {.parts = i % 4}));
    }
  }
  REQUIRE(co_await put(store, "other", "the other's"));
}

bool usable() {
  const auto& abilities = TestFilesystem::get().abilities;
  return abilities.local && abilities.attribute_bytes_max > 0;
}

}  // namespace

TEST_CASE("entry facts: files that do not change are remembered") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not local, or has no attributes");
  on_shard([](engine::Shard&) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    st::EntryMemory memory(site.options);
    REQUIRE(memory.serves());
    co_await fill(site, store);
    co_await engine::sleep_for(settled_ms);
    Looked looked;
    co_await look(site, memory, looked);
    CHECK(memory.hits() == 0);
    co_await look(site, memory, looked);
    CHECK(memory.hits() == count);
    for (const auto& facts : looked.facts) CHECK(facts.state == st::EntryFacts::State::known);
  });
}

TEST_CASE("entry facts: no change goes unseen") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not local, or has no attributes");
  on_shard([](engine::Shard&) -> Task<> {
    for (const auto& change : changes) {
      Site site(st::Durability::none);
      st::Store store(site.options, site.locks);
      st::EntryMemory memory(site.options);
      co_await fill(site, store);
      co_await engine::sleep_for(settled_ms);
      Looked looked;
      co_await look(site, memory, looked);
      co_await look(site, memory, looked);
      const std::uint64_t before = memory.hits();
      change(site);
      co_await look(site, memory, looked);
      CHECK(memory.hits() - before == count - 1);
      co_await look(site, memory, looked);
    }
  });
}

TEST_CASE("entry facts: what has just changed is not remembered") {
  if (!usable()) MILLRACE_SKIP("the filesystem of /tmp is not local, or has no attributes");
  on_shard([](engine::Shard& shard) -> Task<> {
    Site site(st::Durability::none);
    st::Store store(site.options, site.locks);
    st::EntryMemory memory(site.options);
    const std::uint64_t began_ns = shard.ring().monotonic_ns();
    co_await fill(site, store);
    Looked looked;
    co_await look(site, memory, looked);
    const std::uint64_t remembered_before = memory.hits();
    co_await look(site, memory, looked);
    const bool young = shard.ring().monotonic_ns() - began_ns <
                       static_cast<std::uint64_t>(st::stamps_settle_ns(site.options.abilities));
    if (young) CHECK(memory.hits() == remembered_before);  // else the machine was too slow to tell
  });
}
