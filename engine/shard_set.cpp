// See shard_set.h. Shards start in step: all are made, then all prepared, then all begin, so
// that none sends to a ring that is not there yet.
#include "engine/shard_set.h"

#include <pthread.h>
#include <sched.h>

#include <barrier>
#include <cstdio>
#include <mutex>
#include <utility>

namespace millrace::engine {

struct ShardSet::Startup {
  Startup(const ShardSetOptions& options_in, Program program_in)
      : options(options_in),
        program(program_in),
        step(static_cast<std::ptrdiff_t>(options_in.processors.size())),
        begun(static_cast<std::ptrdiff_t>(options_in.processors.size()) + 1),
        ended(static_cast<std::ptrdiff_t>(options_in.processors.size()) + 1) {}

  void fail_with(Error error) {
    const std::lock_guard lock(mutex);
    if (outcome) outcome = std::unexpected(error);
  }
  bool good() {
    const std::lock_guard lock(mutex);
    return outcome.has_value();
  }

  const ShardSetOptions options;
  const Program program;
  std::barrier<> step;
  std::barrier<> begun;
  std::barrier<> ended;  // the loops, and whoever joins: he posts nothing any more
  std::mutex mutex;
  Result<> outcome;
};

void pin_thread(unsigned processor, const char* name) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  pthread_setname_np(pthread_self(), name);
}

ShardSet::ShardSet(const ShardSetOptions& options, Program program)
    : startup_(std::make_unique<Startup>(options, program)),
      shards_(options.processors.size(), nullptr) {}

ShardSet::~ShardSet() {
  join();
}

void ShardSet::run(unsigned index) {
  Startup& startup = *startup_;
  const Program& program = startup.program;
  char name[16];
  std::snprintf(name, sizeof name, "mr-shard-%u", index);
  if (startup.options.pinned) {
    pin_thread(startup.options.processors[index], name);
  } else {
    pthread_setname_np(pthread_self(), name);
  }
  auto shard = Shard::create({.index = index,
                              .page = &startup.options.pages[index],
                              .log = &startup.options.logger->add_channel(),
                              .ring = {}});
  if (shard) {
    shards_[index] = shard->get();
  } else {
    startup.fail_with(shard.error());
  }
  startup.step.arrive_and_wait();
  if (startup.good()) {
    if (const auto prepared = program.prepare(program.context, **shard); !prepared) {
      startup.fail_with(prepared.error());
    }
  }
  startup.step.arrive_and_wait();
  const bool good = startup.good();
  if (good) program.begin(program.context, **shard);
  startup.begun.arrive_and_wait();
  if (good) (*shard)->run();
  startup.ended.arrive_and_wait();  // a ring stays until nobody can send or post to it
  if (shard) program.end(program.context, **shard);
}

Result<std::unique_ptr<ShardSet>> ShardSet::start(const ShardSetOptions& options, Program program) {
  auto set = std::unique_ptr<ShardSet>(new ShardSet(options, program));
  for (unsigned index = 0; index < options.processors.size(); ++index) {
    set->threads_.emplace_back([&self = *set, index] { self.run(index); });
  }
  set->startup_->begun.arrive_and_wait();
  const Result<> outcome = set->startup_->outcome;
  if (!outcome) return std::unexpected(outcome.error());
  return set;
}

void ShardSet::join() {
  if (!std::exchange(joined_, true)) startup_->ended.arrive_and_wait();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace millrace::engine
