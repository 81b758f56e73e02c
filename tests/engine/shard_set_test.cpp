// Threads of shards: start in step, end together, and fail as a whole.
#include "engine/shard_set.h"

#include "tests/engine/shard_driver.h"

#include <atomic>
#include <string>

using namespace millrace::engine;
using namespace millrace::tests;

namespace {

struct Program {
  std::atomic<unsigned> prepared{0};
  std::atomic<unsigned> begun{0};
  std::atomic<unsigned> ended{0};
  std::atomic<bool> in_step{true};
  unsigned count = 0;
  unsigned failing = ~0U;

  ShardSet::Program table() {
    return {.prepare = [](void* context, Shard& shard) -> Result<> {
              auto& self = *static_cast<Program*>(context);
              if (self.begun.load() != 0) self.in_step.store(false);
              self.prepared.fetch_add(1);
              if (shard.index() == self.failing) return fail_errno(EADDRINUSE);
              return {};
            },
            .begin =
                [](void* context, Shard& shard) {
                  auto& self = *static_cast<Program*>(context);
                  if (self.prepared.load() != self.count) self.in_step.store(false);
                  self.begun.fetch_add(1);
                  shard.stop();
                },
            .end =
                [](void* context, Shard&) {
                  auto& self = *static_cast<Program*>(context);
                  if (self.begun.load() != 0 && self.begun.load() != self.count) {
                    self.in_step.store(false);
                  }
                  self.ended.fetch_add(1);
                },
            .context = this};
  }
};

struct Fixture {
  explicit Fixture(unsigned count) : pages(count) {
    program.count = count;
    for (unsigned i = 0; i < count; ++i) options.processors.push_back(0);
    options.logger = &logger;
    options.pages = pages;
  }
  Logger logger{"/dev/null", LogLevel::info};
  std::vector<StatusPage> pages;
  ShardSetOptions options;
  Program program;
};

}  // namespace

TEST_CASE("shard set: all prepare before any begins, all loops end before any ends") {
  const Seed seed(1, true);
  for (unsigned round = 0; round < 10; ++round) {
    Fixture f(3);
    auto set = ShardSet::start(f.options, f.program.table());
    REQUIRE(set);
    CHECK((*set)->shards().size() == 3);
    (*set)->join();
    (*set)->join();
    CHECK(f.program.begun.load() == 3);
    CHECK(f.program.ended.load() == 3);
    CHECK(f.program.in_step.load());
  }
}

TEST_CASE("shard set: one that can't be prepared fails the whole, and nothing begins") {
  const Seed seed(1, true);
  for (unsigned failing = 0; failing < 3; ++failing) {
    Fixture f(3);
    f.program.failing = failing;
    const auto set = ShardSet::start(f.options, f.program.table());
    REQUIRE_FALSE(set);
    CHECK(set.error().is(EADDRINUSE));
    CHECK(f.program.begun.load() == 0);
    CHECK(f.program.ended.load() == 3);
  }
}
