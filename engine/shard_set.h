// The threads of the frontends: one shard each, pinned to its processor.
#pragma once

#include "engine/shard.h"

#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace millrace::engine {

struct ShardSetOptions {
  std::vector<unsigned> processors;  // one shard each
  bool pinned = true;                // false: the threads float within the process's mask
  Logger* logger = nullptr;
  std::span<StatusPage> pages;  // one each; outlive the set
};

class ShardSet {
 public:
  // Called on each shard's thread: `prepare` when the shard exists, `begin` when all have been
  // prepared (it adopts the shard's tasks), `end` after its loop; after a failed start for
  // every shard that was made, prepared or not.
  struct Program {
    Result<> (*prepare)(void* context, Shard& shard) = nullptr;
    void (*begin)(void* context, Shard& shard) = nullptr;
    void (*end)(void* context, Shard& shard) = nullptr;
    void* context = nullptr;
  };

  // Returns when every shard has begun, or with the first error (nothing runs then).
  static Result<std::unique_ptr<ShardSet>> start(const ShardSetOptions& options, Program program);
  ~ShardSet();

  std::span<Shard* const> shards() const { return shards_; }
  // Waits until every loop has ended: something must have called Shard::stop() on each.
  void join();

 private:
  struct Startup;
  ShardSet(const ShardSetOptions& options, Program program);
  void run(unsigned index);

  std::unique_ptr<Startup> startup_;
  std::vector<Shard*> shards_;
  std::vector<std::thread> threads_;
  bool joined_ = false;
};

// Pins the calling thread to one processor and names it.
void pin_thread(unsigned processor, const char* name);

}  // namespace millrace::engine
