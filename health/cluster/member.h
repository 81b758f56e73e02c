// One container's part in its cluster: a thread that writes its beat to the configuration
// filesystem, reads newer documents and others' beats, and tells what becomes of the others; beside
// it the peers' thread (peers.h), which knows who is alive. What they find goes out as Figures
// (atomics) and as a callback; whoever answers requests never waits for them.
// Invariant: a configuration filesystem that hangs or is gone stops this thread only; the container
// serves on with the last good configuration.
#pragma once

#include "engine/log.h"
#include "engine/status_page.h"
#include "health/cluster/figures.h"
#include "health/cluster/joining.h"
#include "health/cluster/peers.h"
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
  engine::Logger* logger = nullptr;
  const View* view = nullptr;
  std::span<const engine::StatusPage> frontends;
  Figures* figures = nullptr;
  std::vector<engine::Descriptor> peer_sockets;  // open_peer_sockets()
  // Called by the member's thread when this container has to end; once more when a restart that is
  // under way has become one of the others.
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
    State told = State::inactive;  // what was last logged
    bool filesystem_lost = false;  // as well
    bool known = false;            // whether anything was
  };

  void run();
  void turn();
  void write_beat(Phase phase);
  void poll_documents();
  void take(ClusterReading reading);
  void read_beat(const std::string& name);
  void read_wanted();
  void read_in_turn();
  void watch_others();
  void tell(const std::string& name, const Sight& sight, const Other& before);
  void leave_descriptors() const;
  void leave(Departure departure, std::string_view why);
  void note_in_force();
  void roll_out();
  void note_failure(bool& works, std::string_view what, std::string_view why);
  std::uint64_t now_ns() const;

  Joined joined_;
  MemberOptions options_;
  const std::uint64_t started_ns_;
  engine::LogChannel& log_;

  // The thread's.
  std::uint64_t counter_ = 0;
  std::uint64_t turns_ = 0;
  std::size_t read_at_ = 0;         // of the configuration's containers
  std::size_t reads_at_first_ = 0;  // so many more are read faster
  std::uint64_t faults_told_ = 0;
  bool beats_work_ = true;
  bool documents_work_ = true;
  Departure departure_ = Departure::stays;
  std::uint64_t in_force_ = 0;    // the newest generation with the settings that this process has
  std::uint64_t looked_for_ = 0;  // the last generation that was looked for because of a message
  std::string notice_;
  std::set<std::string, std::less<>> alive_since_;  // alive since new settings were read
  std::string last_failure_;
  std::map<std::string, Other, std::less<>> others_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // under the mutex
  bool wanted_ = false;    // as well: a beat or a document should be read now
  std::atomic<bool> draining_{false};
  Peers peers_;  // after what its thread calls back to
  std::thread thread_;
};

}  // namespace millrace::health::cluster
