// The proof that containers see each other's locks and changes at once: that it holds on a local
// filesystem, and that each thing that is not seen ends it.
#include "tools/sharing/proof.h"
#include "tools/sharing/sight.h"
#include "tools/sharing/turns.h"
#include "tools/sharing/witness.h"

#include "engine/descriptor.h"
#include "tests/tools/temporary_directory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace millrace::tools;
using namespace millrace::tools::sharing;
using millrace::engine::Descriptor;

Descriptor open_directory(const std::string& path) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::size_t count_names(const std::string& path) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) count += entry.exists();
  return count;
}

}  // namespace

TEST_CASE("turns alternate, and a byte that is not locked is told from one that is") {
  const TemporaryDirectory directory;
  const std::string file = directory.write("turns", "");
  const auto open_file = [&] { return Descriptor(::open(file.c_str(), O_RDWR | O_CLOEXEC)); };
  Turns first(open_file(), Turns::Side::first);
  Turns second(open_file(), Turns::Side::second);
  REQUIRE(first.begin() == 0);
  CHECK(first.try_other() == 0);
  REQUIRE(second.begin() == 0);
  CHECK(first.try_other() == EAGAIN);
  CHECK(second.try_other() == EAGAIN);
  CHECK(second.take(0) == ETIMEDOUT);
  for (int round = 0; round < 4; ++round) {
    REQUIRE(first.take(0) == 0);
    CHECK(second.take(0) == ETIMEDOUT);
    REQUIRE(first.pass() == 0);
    CHECK(first.take(0) == ETIMEDOUT);
    REQUIRE(second.take(0) == 0);
    CHECK(first.take(0) == ETIMEDOUT);
    REQUIRE(second.pass() == 0);
  }
}

TEST_CASE("a change that is not seen is missed") {
  const TemporaryDirectory directory;
  const Descriptor folder = open_directory(directory.path());
  Sight one(folder.get());
  Sight other(folder.get());
  REQUIRE(one.open(true) == 0);
  REQUIRE(other.open(false) == 0);
  REQUIRE(one.leave(0) == 0);
  CHECK(!other.missed(0));
  REQUIRE(other.leave(1) == 0);
  CHECK(!one.missed(1));
  // As another host may still see them.
  CHECK(one.missed(0).has_value());
  CHECK(one.missed(2).has_value());
  REQUIRE(::rename((directory / "name-1").c_str(), (directory / "aside").c_str()) == 0);
  CHECK(*one.missed(1) == "a new name is not there");
  REQUIRE(::rename((directory / "aside").c_str(), (directory / "name-1").c_str()) == 0);
  directory.write("name-0", "");
  CHECK(*one.missed(1) == "a name that was removed is still there");
  REQUIRE(::unlink((directory / "name-0").c_str()) == 0);
  directory.write("name-7", "");
  CHECK(*one.missed(1) == "a directory that was changed is listed as it was");
  REQUIRE(::unlink((directory / "name-7").c_str()) == 0);
  REQUIRE(::truncate((directory / "grown").c_str(), 16) == 0);
  CHECK(*one.missed(1) == "what was written to an open file is not there");
}

TEST_CASE("who asks is answered, and nothing is left of it") {
  const TemporaryDirectory directory;
  const Descriptor folder = open_directory(directory.path());
  std::vector<Verdict> verdicts(2);
  std::atomic<unsigned> answered{0};
  std::vector<std::thread> asking;
  for (Verdict& verdict : verdicts) {
    asking.emplace_back([&] {
      verdict = ask(folder.get(), "here", 20'000);
      ++answered;
    });
  }
  for (int look = 0; look < 2000 && answered < verdicts.size(); ++look) {
    answer(folder.get(), "not-here");
    answer(folder.get(), "here");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (std::thread& each : asking) each.join();
  for (const Verdict& verdict : verdicts) {
    CHECK(verdict.kind == Verdict::Kind::proved);
    CHECK(verdict.why == "");
  }
  CHECK(count_names(directory.path()) == 0);
  CHECK(ask(folder.get(), "nobody", 20).kind == Verdict::Kind::silent);
  CHECK(count_names(directory.path()) == 0);
}

TEST_CASE("containers of one directory are present, prove each other, and leave") {
  const TemporaryDirectory directory;
  const std::string system_path = directory / ".millrace";
  REQUIRE(::mkdir(system_path.c_str(), 0700) == 0);
  const Descriptor system = open_directory(system_path);
  const std::string lock_file = directory.write(".millrace/lock", "");
  const auto open_lock = [&] { return Descriptor(::open(lock_file.c_str(), O_RDWR | O_CLOEXEC)); };
  const Descriptor lock = open_lock();
  const auto start = [&](const char* name) {
    return Witness::start({.system_fd = system.get(),
                           .lock_fd = lock.get(),
                           .directory = directory.path(),
                           .name = name,
                           .on_lost = [] {}});
  };
  {
    auto first = start("one");
    REQUIRE(first.has_value());
    CHECK((*first)->prove().has_value());
    auto second = start("two");
    REQUIRE(second.has_value());
    CHECK((*second)->prove().has_value());
    const auto third = start("one");
    REQUIRE(!third.has_value());
    CHECK(third.error().line().find("another container of this name") != std::string::npos);
    // One that was killed leaves its file; it holds nobody up for long.
    directory.write(".millrace/sharing/here.gone", "");
    second->reset();
    CHECK((*first)->prove().has_value());
  }
  CHECK(count_names(system_path + "/sharing") == 1);
}
