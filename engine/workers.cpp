// Worker threads: see workers.h. A job's result reaches its completion on the ring's thread.
#include "engine/workers.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace millrace::engine {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Workers::run(Completion& completion, long (*call)(void*), void* argument) {
  bool start = false;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({&completion, call, argument});
    start = idle_ < jobs_.size() && threads_.size() < threads_max_;
  }
  if (start && !start_thread() && threads_.empty()) return fail_jobs();
  ready_.notify_one();
}

bool Workers::start_thread() {
  try {
    threads_.emplace_back([this] { work(); });
    return true;
  } catch (const std::system_error&) {  // the limit of processes, or of memory
    return false;
  }
}

void Workers::fail_jobs() {
  const std::lock_guard lock(mutex_);
  for (const Job& job : jobs_) finish(job, -EAGAIN);
  jobs_.clear();
}

void Workers::finish(const Job& job, std::int32_t result) {
  finished_.push_back({job.completion, result});
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(notify_, &one, sizeof one);
}

void Workers::take_finished(std::vector<Finished>& into) {
  into.clear();
  const std::lock_guard lock(mutex_);
  into.swap(finished_);
}

void Workers::work() {
  pthread_setname_np(pthread_self(), "mr-worker");
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    ready_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    const Job job = jobs_.front();
    jobs_.pop_front();
    lock.unlock();
    const auto result = static_cast<std::int32_t>(job.call(job.argument));
    lock.lock();
    finish(job, result);
  }
}

}  // namespace millrace::engine
