// A container's presence in the data directory that it shares: a file of its name, locked for its
// life, and a thread that answers whoever starts and wants to know whether locks and changes are
// seen between the two (proof.h). The thread may hang with either filesystem; only the end waits.
//   DATA/.millrace/sharing/here.NAME           the presence
//   DATA/.millrace/sharing/look.EPOCH.NAME     who sees the beat of NAME's process of that epoch?
//   DATA/.millrace/sharing/seen.EPOCH.NAME     NAME says: yes or no
// Invariant: of two containers that start at the same time at least one asks the other, since each
// is present before it looks who else is.
#pragma once

#include "engine/descriptor.h"
#include "tools/refusal.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace millrace::tools::sharing {

struct WitnessOptions {
  int system_fd = -1;     // DATA/.millrace; outlives it
  int lock_fd = -1;       // the directory's own lock, shared by containers; outlives it
  std::string directory;  // DATA, for messages
  std::string name;       // the container's
  std::string epoch;      // and its process's, as its beats have it
  // Whether this container's configuration filesystem has the beat of that name and epoch; nothing
  // where it can't be read.
  std::function<std::optional<bool>(const std::string& name, const std::string& epoch)> sees;
  // Called once, by the thread, when that lock is another's: a network filesystem gives up what it
  // had granted when a host is cut off for long. It and the presence are taken again each second.
  void (*on_lost)() = nullptr;
};

class Witness {
 public:
  static Allowed<std::unique_ptr<Witness>> start(WitnessOptions options);
  // Takes the presence away, and waits for the thread.
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  // Refuses when another container does not see this one's locks and changes at once, or the other
  // way round. One that is present is asked, which has proved the same when it started, unless it
  // was alone; whether one is present is told by its lock, and, where no lock is seen, by its
  // answer.
  Allowed<> prove() const;

  // Refuses when those that are present, and answer, do not see this process's beat in their
  // configuration filesystem: it is another one then, a copy of it, say.
  Allowed<> compare_configurations() const;

 private:
  explicit Witness(WitnessOptions options) : options_(std::move(options)) {}
  Allowed<> enter();
  std::vector<std::string> present() const;
  std::vector<std::string> names_of(std::string_view prefix) const;
  std::string find_stranger(const std::vector<std::string>& names) const;
  void say_what_is_seen();
  std::vector<std::string> others() const;
  bool seems_present(const std::string& name) const;
  bool keep_locks() const;
  void run();
  Refusal refusal(const std::string& name, const std::string& why) const;

  const WitnessOptions options_;
  engine::Descriptor folder_;
  engine::Descriptor own_;
  // The thread's.
  bool lost_ = false;
  std::set<std::string, std::less<>> told_;  // epochs that were seen, and are still asked for

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // under the mutex
  std::thread thread_;
};

}  // namespace millrace::tools::sharing
