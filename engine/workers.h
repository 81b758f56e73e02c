// A bounded set of threads for calls that have no ring operation (directory reading, locks,
// ownership, copy_file_range). Owned by one ring: run() and take_finished() are called on its
// thread only; `notify` is written (eventfd) when something has finished.
#pragma once

#include "engine/ring.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace millrace::engine {

class Workers {
 public:
  struct Finished {
    Completion* completion;
    std::int32_t result;
  };

  // Threads start with the first job, so a shard that needs none has none.
  Workers(unsigned threads_max, int notify) : threads_max_(threads_max), notify_(notify) {}
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void run(Completion& completion, long (*call)(void*), void* argument);
  // Moves what has finished into `into` (cleared first).
  void take_finished(std::vector<Finished>& into);

 private:
  struct Job {
    Completion* completion;
    long (*call)(void*);
    void* argument;
  };

  void work();
  bool start_thread();
  // No thread could be started: every job ends with -EAGAIN.
  void fail_jobs();
  void finish(const Job& job, std::int32_t result);  // with mutex_ held

  const unsigned threads_max_;
  const int notify_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> jobs_;
  std::vector<Finished> finished_;
  std::vector<std::thread> threads_;
  unsigned idle_ = 0;
  bool stopping_ = false;
};

}  // namespace millrace::engine
