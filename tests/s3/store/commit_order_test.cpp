// What reaches stable storage before a request is acknowledged, in each mode, from the fake's
// log of file operations; and that a shared sync of a directory counts only for those who asked
// before it was submitted.
#include "tests/fake/ring_fake.h"
#include "tests/s3/store/store_driver.h"

#include <algorithm>

using namespace millrace;
using namespace millrace::tests;
using engine::Action;

namespace {

// One line for each change and each sync. FILE is what has no name yet, UNIQUE a made-up one.
std::string line_of(const fake::LogEntry& entry, const std::string& data) {
  const auto shown = [&](std::string path) {
    if (path.find("/#") != std::string::npos) return std::string("FILE");
    if (path.starts_with("/proc/")) return std::string("FILE");
    if (path == data) return std::string("DATA");
    if (path.starts_with(data)) path = path.substr(data.size() + 1);
    if (path.ends_with(" (deleted)")) path = "GONE";
    const auto name = path.rfind('/') + 1;
    if (path.size() - name >= 18) path = path.substr(0, name) + "UNIQUE";
    const auto inner = path.find("/d-");
    if (inner != std::string::npos)
      path = path.substr(0, inner) + "/UNIQUE" + path.substr(inner + 35);
    return path;
  };
  switch (entry.action) {
    case Action::write: return "write " + shown(entry.path) + "\n";
    case Action::set_attribute: return "attribute " + shown(entry.path) + "\n";
    case Action::fsync: return "sync " + shown(entry.path) + "\n";
    case Action::link: return "link " + shown(entry.path2) + "\n";
    case Action::rename: return "rename " + shown(entry.path2) + "\n";
    case Action::unlink: return "unlink " + shown(entry.path) + "\n";
    case Action::make_directory: return "mkdir " + shown(entry.path) + "\n";
    default: return {};
  }
}

struct Traced {
  explicit Traced(st::Durability durability) : site(durability) {}

  // What was done before the acknowledgement that has just come.
  std::string text_since(std::size_t before) const {
    std::string text;
    const auto log = scenario.log();
    for (std::size_t i = before; i < log.size(); ++i) {
      if (log[i].took_effect) text += line_of(log[i], site.directory.path());
    }
    return text;
  }
  engine::Result<> wait(Task<engine::Result<st::Replaced>> operation) {
    engine::Result<> outcome = engine::fail(engine::Errc::cancelled);
    const auto body = [&]() -> Task<> {
      const auto done = co_await operation;
      outcome = done ? engine::Result<>{} : std::unexpected(done.error());
    };
    const Task<> task = body();
    test.shard->run_until(task);
    return outcome;
  }
  std::string put(std::string key) {
    const std::size_t before = scenario.log().size();
    CHECK(wait(millrace::tests::put(store(), std::move(key), "content")));
    return text_since(before);
  }
  std::string remove(std::string key) {
    const std::size_t before = scenario.log().size();
    CHECK(wait(millrace::tests::remove(store(), std::move(key))));
    return text_since(before);
  }
  std::string rename(std::string from, std::string to) {
    const std::size_t before = scenario.log().size();
    const auto body = [&]() -> Task<> {
      CHECK(co_await millrace::tests::rename(store(), from, to));
    };
    const Task<> task = body();
    test.shard->run_until(task);
    return text_since(before);
  }
  st::Store& store() {
    if (!store_) store_.emplace(site.options, site.locks);
    return *store_;
  }

  fake::Scenario scenario{fake::Plan::plain()};
  TestShard test;
  Site site;
  std::optional<st::Store> store_;
};

const std::string staged = "write FILE\nattribute FILE\nsync FILE\n";

}  // namespace

TEST_CASE("strict: data and attribute are synced before the name, all names before the answer") {
  Traced traced(st::Durability::strict);
  CHECK(traced.put("d/e") == staged +
                                 "mkdir bucket/d\nsync DATA\nsync bucket\nlink bucket/d/e\n"
                                 "sync bucket/d\n");
  // What this shard has seen synced above is not synced again.
  CHECK(traced.put("d/f") == staged + "link bucket/d/f\nsync bucket/d\n");
  // Another shard, or another process, has not seen it.
  traced.store_.reset();
  CHECK(traced.put("d/g") == staged + "sync DATA\nsync bucket\nlink bucket/d/g\nsync bucket/d\n");
  const std::string replaced = "rename bucket/d/g\nsync bucket/d\n";
  const std::string first = traced.put("d/g");
  CHECK(first == staged +
                     "mkdir bucket/.mr.sys\nsync bucket\nmkdir bucket/.mr.sys/staging\n"
                     "sync bucket/.mr.sys\nlink bucket/.mr.sys/staging/UNIQUE\n" +
                     replaced);
  CHECK(traced.put("d/g") == staged + "link bucket/.mr.sys/staging/UNIQUE\n" + replaced);
  CHECK(traced.remove("d/g") == "unlink bucket/d/g\nsync bucket/d\n");
  CHECK(traced.remove("d/never") == "sync bucket/d\n");
}

TEST_CASE("a rename is durable at the destination, then at the source") {
  Traced traced(st::Durability::strict);
  std::ignore = traced.put("d/e");
  std::ignore = traced.put("f/g");
  CHECK(traced.rename("d/e", "d/h") == "rename bucket/d/h\nsync bucket/d\n");
  CHECK(traced.rename("d/h", "f/g") ==
        "rename bucket/f/g\nsync bucket/f\nsync bucket/d\nunlink bucket/d\n");
  CHECK(traced.rename("f/g", "n/o") ==
        "mkdir bucket/n\nsync DATA\nsync bucket\nrename bucket/n/o\nsync bucket/n\n"
        "sync bucket/f\nunlink bucket/f\n");
}

TEST_CASE("data: a rename syncs nothing") {
  Traced lazy(st::Durability::data);
  std::ignore = lazy.put("d/e");
  CHECK(lazy.rename("d/e", "d/h") == "rename bucket/d/h\n");
}

TEST_CASE("strict: a file becomes a directory in one step, durable before anything is in it") {
  Traced traced(st::Durability::strict);
  traced.put("a");
  traced.put("a");
  CHECK(traced.put("a/b") == staged +
                                 "mkdir bucket/.mr.sys/staging/UNIQUE\n"
                                 "link bucket/.mr.sys/staging/UNIQUE/.mr.f\n"
                                 "sync bucket/.mr.sys/staging/UNIQUE\n"
                                 "rename bucket/a\nunlink bucket/.mr.sys/staging/UNIQUE\n"
                                 "sync bucket\nsync DATA\nsync bucket\nlink bucket/a/b\n"
                                 "sync bucket/a\n");
}

TEST_CASE("data: file and attribute are synced before the name, directories are not") {
  Traced traced(st::Durability::data);
  CHECK(traced.put("d/e") == staged + "mkdir bucket/d\nlink bucket/d/e\n");
  CHECK(traced.put("d/f") == staged + "link bucket/d/f\n");
  CHECK(traced.remove("d/f") == "unlink bucket/d/f\n");
}

TEST_CASE("none: nothing is synced, whatever is done") {
  Traced traced(st::Durability::none);
  for (const char* key : {"d/e", "d/e", "d/e/f", "d"}) traced.put(key);
  for (const char* key : {"d/e", "d", "d/e/f"}) traced.remove(key);
  CHECK(traced.scenario.requests(Action::fsync) == 0);
  CHECK(traced.site.tree().empty());
}

TEST_CASE("where a directory's sync does nothing the object's own descriptor is synced after") {
  for (const auto kind : {st::DirectorySync::ignored, st::DirectorySync::unproven}) {
    Traced traced(st::Durability::strict);
    traced.site.options.abilities.directory_sync = kind;
    traced.put("d/first");
    CHECK(traced.put("d/e") == staged + "link bucket/d/e\nsync bucket/d\nsync FILE\n");
    traced.put("d/e");
    CHECK(traced.put("d/e").ends_with("rename bucket/d/e\nsync bucket/d\nsync FILE\n"));
    // The removed file's, which has no name any more.
    CHECK(traced.remove("d/e") == "unlink bucket/d/e\nsync bucket/d\nsync GONE\n");
  }
}

TEST_CASE("an attribute's sidecar is durable before the object has its name") {
  Traced traced(st::Durability::strict);
  traced.put("k");
  traced.put("k");
  const std::string memory(2040, 'v');
  const std::size_t before = traced.scenario.log().size();
  CHECK(traced.wait(
      put(traced.store(), "large", "content", {.user = {{"large", memory}}, .parts = 2000})));
  const std::string text = traced.text_since(before);
  CHECK(text ==
        "write FILE\nmkdir bucket/.mr.sys/meta\nsync bucket/.mr.sys\n"
        "write bucket/.mr.sys/meta/UNIQUE\nsync bucket/.mr.sys/meta/UNIQUE\n"
        "sync bucket/.mr.sys/meta\nattribute FILE\nsync FILE\n"
        "link bucket/large\nsync bucket\n");
}

TEST_CASE("a shared sync counts only for those who asked before it was submitted") {
  for (unsigned seed = 1; seed < 30; ++seed) {
    CAPTURE(seed);
    fake::Plan plan;
    plan.seed = seed;
    plan.counted = {};
    plan.counted[static_cast<std::size_t>(Action::fsync)] = true;
    plan.fail_nth = 3;
    const fake::Scenario scenario(plan);
    TestShard test;
    Site site;
    st::DirectorySyncs syncs;
    const st::Directory directory{engine::Descriptor(::dup(site.directory.fd())), {1, 2, 3}};
    engine::TaskGroup group;
    unsigned answered = 0;
    const auto ask = [&](unsigned number) -> Task<> {
      co_await engine::sleep_for(number % 5);
      const auto submitted = scenario.requests(Action::fsync);
      const auto done = co_await syncs.sync(directory);
      ++answered;
      const auto mine = scenario.requests(Action::fsync);  // syncs of one directory are in turn
      CHECK(mine > submitted);
      CHECK(done.has_value() == (mine != 3));
    };
    const auto body = [&]() -> Task<> {
      for (unsigned number = 0; number < 40; ++number) group.adopt(ask(number));
      co_await group.join();
    };
    const Task<> task = body();
    test.shard->run_until(task);
    CHECK(answered == 40);
    CHECK(syncs.asked() == 40);
    CHECK(syncs.run() == scenario.requests(Action::fsync));
    CHECK(syncs.run() < 40);
  }
}
