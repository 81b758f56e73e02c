// Who of the cluster's containers is alive, as one of them sees it: probes of a few others each
// round, doubts that spread on every message and that only their subject can take back, and the
// counters of the beats for what the network does not tell. After "SWIM: Scalable Weakly-consistent
// Infection-style Process Group Membership Protocol" (DSN 2002) with its suspicion.
// Pure: time (monotonic, ns), messages, beats and the seed come in; messages and views go out.
// Invariant: a container is told inactive only when it left, or when the network (probed directly,
// by others, and once more before the verdict) and its beat are both silent. Time in which this
// observer itself did not run is nobody's silence.
#pragma once

#include "health/cluster/gossip.h"

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace millrace::health::cluster {

// Times in milliseconds. One round to the next; of a probe, from its first ping on.
inline constexpr std::uint64_t round_ms = 200;
inline constexpr std::size_t probes_per_round = 3;
inline constexpr std::size_t helpers_per_ask = 3;
inline constexpr std::uint64_t probe_unanswered_ms = 150;  // from here on its beat is read
inline constexpr std::uint64_t probe_ends_ms = 400;        // from here on it is doubted
// From the unanswered probe on: when whoever is doubted is asked by each observer itself, shown
// suspect, and told inactive.
inline constexpr std::uint64_t last_look_after_ms = 800;
inline constexpr std::uint64_t doubt_suspect_ms = 1'000;
inline constexpr std::uint64_t doubt_inactive_ms = 1'200;
// A beat that stood still for so long is late; is silent: two beats, three where it is all that is
// heard.
inline constexpr std::uint64_t beat_late_ms = 750;
inline constexpr std::uint64_t beat_silent_ms = 1'000;
inline constexpr std::uint64_t own_beat_late_ms = 1'500;
// A gap between two turns from which on this container was away.
inline constexpr std::uint64_t away_ms = 200;
// Whoever has heard nobody for so long suspects its own network.
inline constexpr std::uint64_t isolated_ms = 1'000;
inline constexpr std::size_t last_looks_per_round = 8;
inline constexpr unsigned rounds_per_call_to_the_dead = 5;
inline constexpr std::size_t news_per_message = 16;      // claims that are being spread
inline constexpr std::size_t reminders_per_message = 4;  // others, in turn
static_assert(2 + news_per_message + reminders_per_message <= claims_max);

// What was found in a container's file of the configuration filesystem.
struct BeatSeen {
  std::uint32_t run = 0;
  std::uint32_t incarnation = 0;
  std::uint32_t counter = 0;
  Phase phase = Phase::joining;
  bool ready = false;
};

// What is known of one container.
struct Sight {
  State state = State::inactive;
  std::uint64_t heard_ns = 0;    // last, by either way; 0: never
  bool by_network = false;       // it answers, or nobody doubts that it does
  bool by_filesystem = false;    // its beat was seen to advance when last looked at
  bool doubted = false;          // somebody had no answer of it, and it has not taken that back
  bool filesystem_lost = false;  // it says so of its own
  bool ready = false;            // it takes requests, by its last word
  bool settled = false;          // there has been time to find out
};

struct ProbeCounts {
  std::uint64_t begun = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t doubts = 0;       // of others, that began here
  std::uint64_t refutations = 0;  // of doubts of this container
  std::uint64_t refused = 0;      // datagrams that were not fresh, or not from a container
};

class Membership {
 public:
  struct Outgoing {
    Message message;
    unsigned attempt = 0;  // of this probe: where an address does not answer, another may
    bool reply = false;    // to where the message came from
  };

  // `run` is above that of every earlier process of this name that left a beat.
  Membership(PeerId self, std::uint32_t run, std::uint64_t seed, std::uint64_t now_ns);

  // The configuration's containers; itself is left out. Those that stay keep what is known.
  void set_containers(std::span<const PeerId> ids);
  void set_phase(Phase phase, bool ready);
  void set_generation(std::uint64_t generation) { generation_ = generation; }
  // The configuration filesystem took this container's beat.
  void note_beat_written(std::uint32_t counter, std::uint64_t now_ns);
  // Messages to it can be sent from now on.
  void note_address(PeerId id);
  // What was read of another's beat; nothing where there is none or it was torn.
  void observe_beat(PeerId id, const std::optional<BeatSeen>& beat, std::uint64_t now_ns);
  // False: not from whom it claims to be, or not fresh; nothing of it was taken.
  bool receive(const Message& message, std::uint64_t now_ns);
  // To be called by next_turn_ns(), after what has been received.
  void turn(std::uint64_t now_ns);
  std::uint64_t next_turn_ns() const;
  // Says to some that this container leaves; then it takes nothing back any more.
  void leave(std::uint64_t now_ns);
  // What is told of a container. `tell`: on to the others, where it is news.
  void learn(const Claim& claim, std::uint64_t now_ns, bool tell = true);

  std::vector<Outgoing> take_outgoing() { return std::exchange(outgoing_, {}); }
  // Those whose beats decide now.
  std::vector<PeerId> wanted_beats(std::uint64_t now_ns) const;
  Sight sight(PeerId id, std::uint64_t now_ns) const;
  // By id, the order of sights().
  std::vector<PeerId> containers() const;

  std::uint32_t run() const { return own_.run; }
  std::uint32_t incarnation() const { return own_.incarnation; }
  // The highest generation of the configuration that anybody told of.
  std::uint64_t generation_heard() const { return generation_heard_; }
  bool filesystem_lost() const { return own_.filesystem_lost; }
  const ProbeCounts& counts() const { return counts_; }

 private:
  struct Peer {
    PeerId id = 0;
    std::uint32_t run = 0;
    std::uint32_t incarnation = 0;
    Standing standing = Standing::unknown;
    Phase phase = Phase::joining;
    std::uint8_t news_left = 0;  // so many messages more carry it
    bool filesystem_lost = false;
    bool ready = false;
    bool addressed = false;
    bool dead = false;      // told inactive; until it is heard
    bool looked = false;    // the last look of this doubt
    bool stranger = false;  // it sent something, but this process of it is not proved yet
    bool behind = false;    // it says less of itself than others know: it has to hear that
    bool alone = false;     // doubted while nobody else was heard either: kept to oneself
    bool watched = false;   // in watched_
    std::uint32_t beat = 0;
    std::uint64_t doubted_ns = 0;
    std::uint64_t heard_ns = 0;          // by the network, itself
    std::uint64_t beat_ns = 0;           // when its counter was first known
    std::uint64_t beat_advanced_ns = 0;  // the last time that it went up; 0: not seen
    std::uint64_t beat_read_ns = 0;      // the last look of this container's own
    std::uint64_t session = 0;
    std::uint64_t sequence = 0;  // the highest
    std::uint64_t taken = 0;     // of the 64 sequences up to it
  };
  enum class Purpose : std::uint8_t { round, last_look, call, help };
  struct Probe {
    Purpose purpose = Purpose::round;
    PeerId id = 0;
    std::uint64_t nonce = 0;
    std::uint64_t sent_ns = 0;
    unsigned pings = 0;
    unsigned asks = 0;
    PeerId asker = 0;  // of `help`
    std::uint64_t asker_nonce = 0;
  };

  Peer* find(PeerId id);
  const Peer* find(PeerId id) const;
  void note_time(std::uint64_t now_ns);

  // Rounds and probes (membership_probes.cpp).
  void begin_round(std::uint64_t now_ns);
  bool may_probe(const Peer& peer) const;
  void probe(Peer& peer, Purpose purpose, std::uint64_t now_ns);
  void advance(Probe& probe, std::uint64_t now_ns);
  void ask_others(const Probe& probe);
  void end(const Probe& probe, std::uint64_t now_ns);
  void answer(const Message& message);
  void send(Message::Kind kind, PeerId to, std::uint64_t nonce, PeerId subject, unsigned attempt,
            bool reply);

  // What is known and told (membership_claims.cpp).
  bool fresh(Peer& peer, const Message& message);
  void hear(Peer& peer, std::uint64_t now_ns);
  void defend(const Claim& claim);
  void merge(Peer& peer, const Claim& claim, std::uint64_t now_ns, bool tell);
  void merge_beat(Peer& peer, std::uint32_t beat, std::uint64_t since_ns, std::uint64_t known_ns);
  void spread(Peer& peer, unsigned messages);
  Claim claim_of(const Peer& peer) const;
  Claim own_claim() const;
  void add_claims(Message& message);
  void raise();

  // What follows from it (membership.cpp).
  bool beat_silent(const Peer& peer) const;
  bool lives_by_beat(const Peer& peer) const { return peer.beat_advanced_ns > peer.doubted_ns; }
  std::uint64_t silent_ns(const Peer& peer) const;
  bool isolated() const { return now_ns_ > heard_any_ns_ + isolated_ms * 1'000'000; }
  void watch(Peer& peer);
  void look_after_watched();
  void judge(Peer& peer);

  std::uint64_t now_ns_;
  const std::uint64_t begun_ns_;
  const PeerId self_;
  Claim own_;
  std::mt19937_64 random_;
  const std::uint64_t session_;
  std::uint64_t sequence_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t generation_heard_ = 0;
  std::uint64_t beat_written_ns_;
  bool leaving_ = false;

  std::vector<Peer> peers_;           // by id
  std::vector<std::uint32_t> order_;  // of probing: a permutation of them
  std::size_t order_at_ = 0;
  std::size_t reminder_at_ = 0;
  std::size_t call_at_ = 0;
  std::vector<std::uint32_t> news_;     // those with news_left
  std::vector<std::uint32_t> watched_;  // those whose life is in question
  bool any_alone_ = false;
  std::vector<Probe> probes_;
  std::vector<Outgoing> outgoing_;
  std::uint64_t next_round_ns_;
  std::uint64_t rounds_ = 0;
  std::uint64_t heard_any_ns_;
  PeerId heard_last_ = 0;              // and from whom
  std::uint64_t heard_before_ns_ = 0;  // from anybody else, before that
  std::size_t last_looks_left_ = 0;
  ProbeCounts counts_;
};

}  // namespace millrace::health::cluster
