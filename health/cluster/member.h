// One container's part in its cluster: a thread that writes its beat to the configuration
// filesystem, reads newer documents, and watches the others' beats. What it finds goes out as
// Figures (atomics) and as a callback; whoever answers requests never waits for it.
// Invariant: a configuration filesystem that hangs or is gone stops this thread only; the container
// serves on with the last good configuration.
#pragma once

#include "engine/log.h"
#include "engine/status_page.h"
#include "health/cluster/config_directory.h"
#include "health/cluster/figures.h"
#include "health/view.h"

#include <condition_variable>
#include <expected>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace millrace::health::cluster {

// What joining found; the name is this process's from then on.
struct Joined {
  std::string name;
  ConfigDirectory directory;
  engine::Descriptor name_lock;
  std::uint64_t generation = 0;
  Configuration configuration;
  Secrets secrets;
};

// Why a container may not join: what was looked at, what is wrong with it, what can be done.
struct JoinRefusal {
  std::string what;
  std::string why;
  std::string remedy;
};

// Takes the name, which is admitted and not another live container's; writes nothing. Waits for up
// to a second and a half where a beat of that name is there that may be another host's. `host` is
// this host's name.
std::expected<Joined, JoinRefusal> join(const std::string& config_fs, const std::string& name,
                                        const std::string& host);
// Writes the name into the configuration where it isn't yet.
std::expected<void, JoinRefusal> enter(Joined& joined);

// Why a container has to end.
enum class Departure : std::uint8_t {
  stays,      // it has not
  removed,    // an administrator took it out of the cluster
  destroyed,  // the cluster is no more
  restart,    // to serve by new settings: it comes back at once
};

struct MemberOptions {
  std::string host;
  std::vector<std::string> endpoints;
  std::vector<std::string> health_endpoints;
  std::string_view version;
  Settings settings;  // that this process serves by
  engine::Logger* logger = nullptr;
  const View* view = nullptr;
  std::span<const engine::StatusPage> frontends;
  Figures* figures = nullptr;
  // Called once, by the member's thread, when this container has to end.
  std::function<void(Departure)> on_leave;
};

class Member {
 public:
  Member(Joined joined, MemberOptions options);
  // Writes that this container has left, and ends the thread. Waits for it.
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Beats say `draining` from now on.
  void drain();

 private:
  struct Other {
    Liveness liveness;
    State told = State::inactive;  // what was last logged
    bool known = false;            // whether anything was
  };

  void run();
  void turn();
  void write_beat(Phase phase);
  void poll_documents();
  void take(ClusterReading reading);
  void watch_others();
  void tell(const std::string& name, State state, Other& other);
  void leave_descriptors() const;
  void leave(Departure departure, std::string_view why);
  void roll_out();
  void note_failure(bool& works, std::string_view what, std::string_view why);
  std::uint64_t now_ns() const;

  Joined joined_;
  const MemberOptions options_;
  const std::uint64_t started_ns_;
  const std::string epoch_;
  engine::LogChannel& log_;

  // The thread's.
  std::uint64_t counter_ = 0;
  std::uint64_t turns_ = 0;
  std::uint64_t last_turn_ns_ = 0;
  std::uint64_t faults_told_ = 0;
  bool beats_work_ = true;
  bool documents_work_ = true;
  bool told_to_leave_ = false;
  std::uint64_t in_force_;  // the newest generation with the settings that this process began with
  std::string notice_;
  std::set<std::string, std::less<>> seen_;  // alive since new settings were read
  std::string last_failure_;
  std::map<std::string, Other, std::less<>> others_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // under the mutex
  std::atomic<bool> draining_{false};
  std::thread thread_;
};

}  // namespace millrace::health::cluster
