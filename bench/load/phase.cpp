// See phase.h.
#include "bench/load/phase.h"

#include "bench/load/worker.h"
#include "engine/clock.h"
#include "engine/log.h"
#include "engine/shard_set.h"
#include "tools/cores.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace millrace::bench {
namespace {

struct Threads {
  const Job& job;
  std::vector<std::unique_ptr<Worker>> workers;

  static engine::Result<> prepare(void* context, engine::Shard& shard) {
    auto& self = *static_cast<Threads*>(context);
    auto& worker = self.workers[shard.index()];
    worker = std::make_unique<Worker>(self.job, shard.index());
    return worker->prepare();
  }
  static void begin(void* context, engine::Shard& shard) {
    auto& self = *static_cast<Threads*>(context);
    shard.tasks().adopt(self.workers[shard.index()]->run());
  }
  static void end(void*, engine::Shard&) {}
};

void wait_for(std::span<Worker* const> workers, PhaseWatcher* watcher) {
  const auto ended = [](const Worker* worker) { return worker->ended(); };
  unsigned rounds = 0;
  while (!std::ranges::all_of(workers, ended)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (watcher != nullptr && ++rounds % 10 == 0) watcher->look(workers);
  }
}

}  // namespace

std::uint64_t soon_ns(const Settings& settings) {
  return engine::monotonic_ns() + 50'000'000 + std::uint64_t{settings.connections} * 100'000;
}

std::expected<Results, std::string> run_phase(const Job& job, PhaseWatcher* watcher) {
  const unsigned count = job.settings.threads;
  Threads threads{job, std::vector<std::unique_ptr<Worker>>(count)};
  std::vector<engine::StatusPage> pages(count);
  engine::Logger logger("", engine::LogLevel::off);
  const bool pinned = !job.settings.cores.empty();
  const auto set = engine::ShardSet::start(
      {.processors = pinned ? job.settings.cores : std::vector<unsigned>(count),
       .pinned = pinned,
       .logger = &logger,
       .pages = pages},
      {.prepare = &Threads::prepare,
       .begin = &Threads::begin,
       .end = &Threads::end,
       .context = &threads});
  if (!set) {
    return std::unexpected(
        fmt::format("the threads can't be started: {}", engine::describe(set.error())));
  }
  std::vector<Worker*> workers;
  workers.reserve(threads.workers.size());
  for (const auto& worker : threads.workers) workers.push_back(worker.get());
  wait_for(workers, watcher);
  (*set)->join();
  if (watcher != nullptr) watcher->look(workers);
  Results results;
  for (const Worker* worker : workers) {
    results.merge(const_cast<Worker*>(worker)->recorder().results());
  }
  return results;
}

}  // namespace millrace::bench
