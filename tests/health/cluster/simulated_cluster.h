// A cluster that exists in memory only: containers with clocks of their own, a network that loses,
// delays, doubles and reorders, and a configuration filesystem, all from one seed. Time is the
// world's, in milliseconds since it began; each container sees its own.
#pragma once

#include "health/cluster/membership.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

namespace millrace::tests {

using namespace millrace::health::cluster;

struct WorldOptions {
  std::size_t containers = 3;
  std::uint64_t seed = 1;
  double loss = 0;        // of datagrams
  double doubled = 0.01;  // of datagrams
  double late = 0.02;     // of datagrams: up to late_ms_max instead of up to 2 ms
  double late_ms_max = 30;
  double clock_spread = 0.001;  // clocks run up to so much fast or slow
  bool acquainted = true;       // everybody knows everybody at the beginning
};

class World {
 public:
  explicit World(const WorldOptions& options);

  void run(double duration_ms);
  double now_ms() const { return now_ms_; }
  std::size_t size() const { return nodes_.size(); }

  // Faults.
  double loss = 0;
  void kill(std::size_t node);   // ends without a word
  void leave(std::size_t node);  // ends in order
  void restart(std::size_t node, bool beat_lost = false);
  void pause(std::size_t node);  // as SIGSTOP
  void resume(std::size_t node, double clock_jump_ms = 0, bool arrivals_lost = false);
  // Datagrams from one to the other vanish.
  void cut(std::size_t from, std::size_t to, bool is_cut = true);
  void cut_off(std::size_t node, bool is_cut = true);  // from everybody, both ways
  void lose_filesystem(std::size_t node, bool is_lost = true);

  // Truth, and what is seen.
  bool running(std::size_t node) const { return nodes_[node].running && !nodes_[node].paused; }
  bool started(std::size_t node) const { return nodes_[node].running; }
  double running_since_ms(std::size_t node) const { return nodes_[node].since_ms; }
  Sight sight(std::size_t observer, std::size_t subject) const;
  State state(std::size_t observer, std::size_t subject) const {
    return sight(observer, subject).state;
  }
  const Membership& membership(std::size_t node) const { return *nodes_[node].membership; }
  Membership& membership(std::size_t node) { return *nodes_[node].membership; }

  // Every observer's every change of what it sees of these, as it happens (sampled each 25 ms).
  struct Change {
    double at_ms;
    std::size_t observer;
    std::size_t subject;
    State before;
    State after;
  };
  void record(std::vector<std::size_t> subjects);
  std::vector<Change> changes;

  struct Traffic {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t message_bytes_max = 0;
    std::uint64_t beats_read = 0;
  };
  Traffic traffic(std::size_t node) const { return nodes_[node].traffic; }
  void forget_traffic();

  // Sees each message before it is sent; what a broken container would send instead.
  std::function<void(std::size_t from, Message&)> tamper;

 private:
  struct Node {
    std::unique_ptr<Membership> membership;
    bool running = true;
    bool paused = false;
    bool filesystem_lost = false;
    bool cut_off = false;
    double since_ms = 0;  // running and not paused
    double rate = 1;
    double offset_ms = 0;
    std::uint64_t life = 0;  // events of an earlier process are void
    double turn_at_ms = 0;
    double member_at_ms = 0;
    std::uint32_t counter = 0;
    std::uint64_t member_turns = 0;
    std::size_t read_at = 0;
    std::vector<Message> inbox;  // while paused
    Traffic traffic;
    std::vector<State> seen;
  };
  struct BeatFile {
    bool there = false;
    BeatSeen beat;
  };
  struct Event {
    double at_ms;
    std::uint64_t order;
    enum class Kind : std::uint8_t { turn, member, deliver, wanted } kind;
    std::size_t node;
    std::uint64_t life;
    std::shared_ptr<Message> message;
    bool operator>(const Event& other) const {
      return at_ms != other.at_ms ? at_ms > other.at_ms : order > other.order;
    }
  };

  std::uint64_t clock(const Node& node) const;
  double chance() { return std::uniform_real_distribution<double>()(random_); }
  void start(std::size_t node, std::uint32_t run);
  void push(double at_ms, Event::Kind kind, std::size_t node,
            std::shared_ptr<Message> message = nullptr);
  void handle(const Event& event);
  void turn(std::size_t node);
  void member_turn(std::size_t node);
  void read_beat(std::size_t node, std::size_t subject);
  void read_wanted(std::size_t node);
  void send_all(std::size_t node);
  void sample();
  std::size_t index_of(PeerId id) const;

  std::mt19937_64 random_;
  WorldOptions options_;
  double now_ms_ = 0;
  double next_sample_ms_ = 0;
  std::uint64_t order_ = 0;
  std::vector<Node> nodes_;
  std::vector<BeatFile> files_;
  std::vector<PeerId> ids_;
  std::vector<std::pair<PeerId, std::size_t>> index_;
  std::vector<std::pair<std::size_t, std::size_t>> cuts_;
  std::vector<std::size_t> recorded_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace millrace::tests
