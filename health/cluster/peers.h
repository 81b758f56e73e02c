// The talk between a container and its others: datagrams on the health listener's addresses, UDP
// port of the same number, and what is known of everybody by them and by the beats (membership.h).
// A thread of its own, which waits for nothing but its sockets: the member's thread may hang with
// the configuration filesystem, and on the health shard's ring a burst of checks would come before
// the answers that keep this container alive. The member's thread hands in beats and takes views
// out under a lock that is never held across a system call.
#pragma once

#include "engine/descriptor.h"
#include "engine/error.h"
#include "health/cluster/address_book.h"
#include "health/cluster/configuration.h"
#include "health/cluster/datagram.h"
#include "health/cluster/figures.h"
#include "health/cluster/membership.h"

#include <sys/socket.h>

#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace millrace::health::cluster {

// One for each address, in their order. Errors: of bind(2).
engine::Result<std::vector<engine::Descriptor>> open_peer_sockets(
    std::span<const sockaddr_storage> addresses);

struct PeersOptions {
  std::string name;
  std::uint32_t run = 1;
  std::string_view peer_key;  // for the constructor
  std::vector<engine::Descriptor> sockets;
  Figures* figures = nullptr;
  // A beat should be read, or a configuration, or somebody's state has changed: called by the
  // thread; must not wait.
  std::function<void()> on_wanted;
};

class Peers {
 public:
  explicit Peers(PeersOptions options);
  // leave()s.
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  void set_configuration(const Configuration& configuration, std::uint64_t generation);
  // `ready`: this container takes requests.
  void set_phase(Phase phase, bool ready);
  void note_beat_written(std::uint64_t counter);
  // Null: there is none, or it was torn.
  void observe_beat(const std::string& name, const Beat* beat);
  // Tells some that this container leaves, and ends the thread.
  void leave();

  // The descriptor that calls from other threads need.
  int wake_fd() const { return wake_.get(); }

  // Names whose beats decide now.
  std::vector<std::string> wanted_beats() const;
  std::uint64_t generation_heard() const;
  struct Self {
    std::uint32_t run = 0;
    std::uint32_t incarnation = 0;
  };
  Self self() const;
  struct Seen {
    std::string name;
    Sight sight;
  };
  // All but this one, by name.
  std::vector<Seen> seen() const;

 private:
  struct Arrival {
    sockaddr_storage source{};
    std::vector<std::uint8_t> bytes;
  };
  struct Departure {
    PeerAddress to;
    std::vector<std::uint8_t> bytes;
  };

  void run();
  // False: to be ended.
  bool wait();
  std::vector<Arrival> take_arrivals(bool discard);
  void take(const Arrival& arrival, std::vector<Departure>& departures);
  void collect(std::vector<Departure>& departures, const PeerAddress& reply_to);
  void send(const std::vector<Departure>& departures);
  // True: another number than before is active.
  bool publish();
  void wake();

  PeersOptions options_;
  const PeerId self_;
  const DatagramKey key_;
  engine::Descriptor wake_;

  mutable std::mutex mutex_;
  Membership membership_;
  AddressBook book_;
  std::vector<std::pair<std::string, PeerId>> names_;  // by name
  std::uint64_t generation_ = 0;
  bool ready_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace millrace::health::cluster
