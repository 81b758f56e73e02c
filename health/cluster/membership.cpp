// What this container makes of what it knows of the others, and its own part; see membership.h.
#include "health/cluster/membership.h"

#include "engine/check.h"

#include <xxhash.h>

#include <algorithm>
#include <numeric>

namespace millrace::health::cluster {

namespace {

constexpr std::uint64_t ms = 1'000'000;
// So long, a beat that was met for the first time is looked at again, to see it advance.
constexpr std::uint64_t first_beat_watch_ms = 2'000;
constexpr std::uint64_t beat_look_every_ms = 200;
constexpr std::uint64_t settles_after_ms = 3'000;
constexpr std::size_t told_of_leaving_max = 8;

State state_of(Phase phase) {
  switch (phase) {
    case Phase::joining: return State::joining;
    case Phase::active: return State::active;
    case Phase::draining: return State::draining;
    case Phase::left: break;
  }
  return State::inactive;
}

}  // namespace

PeerId peer_id(std::string_view name) {
  return XXH3_64bits(name.data(), name.size());
}

Membership::Membership(PeerId self, std::uint32_t run, std::uint64_t seed, std::uint64_t now_ns)
    : now_ns_(now_ns),
      begun_ns_(now_ns),
      self_(self),
      own_{.subject = self, .run = run, .standing = Standing::alive},
      random_(seed),
      session_(random_() | 1),  // 0 is nobody's
      beat_written_ns_(now_ns),
      next_round_ns_(now_ns + random_() % (round_ms * ms)),
      heard_any_ns_(now_ns) {}

Membership::Peer* Membership::find(PeerId id) {
  const auto at = std::ranges::lower_bound(peers_, id, {}, &Peer::id);
  return at != peers_.end() && at->id == id ? &*at : nullptr;
}

const Membership::Peer* Membership::find(PeerId id) const {
  return const_cast<Membership*>(this)->find(id);
}

void Membership::set_containers(std::span<const PeerId> ids) {
  std::vector<Peer> kept;
  for (const PeerId id : ids) {
    if (id == self_) continue;
    const Peer* known = find(id);
    kept.push_back(known != nullptr ? *known : Peer{.id = id});
  }
  std::ranges::sort(kept, {}, &Peer::id);
  peers_ = std::move(kept);
  order_.resize(peers_.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::ranges::shuffle(order_, random_);
  order_at_ = reminder_at_ = call_at_ = 0;
  news_.clear();
  watched_.clear();
  for (std::uint32_t i = 0; i < peers_.size(); ++i) {
    if (peers_[i].news_left > 0) news_.push_back(i);
    if (peers_[i].watched) watched_.push_back(i);
  }
  std::erase_if(probes_, [&](const Probe& each) { return find(each.id) == nullptr; });
}

void Membership::set_phase(Phase phase, bool ready) {
  if ((own_.phase == phase && own_.ready == ready) || leaving_) return;
  own_.phase = phase;
  own_.ready = ready;
  raise();
}

// Every message has this container's own claim; that it is a later one makes it news to others.
void Membership::raise() {
  ++own_.incarnation;
}

void Membership::note_beat_written(std::uint32_t counter, std::uint64_t now_ns) {
  own_.beat = counter;
  beat_written_ns_ = now_ns;
}

void Membership::note_address(PeerId id) {
  if (Peer* peer = find(id)) peer->addressed = true;
}

// Time in which this container did not run was not the others' silence, nor its own filesystem's.
void Membership::note_time(std::uint64_t now_ns) {
  now_ns = std::max(now_ns, now_ns_);
  const std::uint64_t gap = now_ns - now_ns_;
  now_ns_ = now_ns;
  if (gap < away_ms * ms || peers_.empty()) return;
  const auto later = [&](std::uint64_t& stamp) {
    if (stamp != 0) stamp = std::min(stamp + gap, now_ns);
  };
  for (Probe& each : probes_) later(each.sent_ns);
  for (Peer& peer : peers_) {
    for (std::uint64_t* stamp : {&peer.doubted_ns, &peer.heard_ns, &peer.beat_ns,
                                 &peer.beat_advanced_ns, &peer.beat_read_ns}) {
      later(*stamp);
    }
  }
  for (std::uint64_t* stamp : {&beat_written_ns_, &heard_any_ns_, &heard_before_ns_}) {
    later(*stamp);
  }
}

void Membership::turn(std::uint64_t now_ns) {
  note_time(now_ns);
  const bool lost = now_ns_ > beat_written_ns_ + own_beat_late_ms * ms;
  if (lost != own_.filesystem_lost) {
    own_.filesystem_lost = lost;
    raise();
  }
  if (now_ns_ >= next_round_ns_) {
    if (!leaving_) begin_round(now_ns_);
    next_round_ns_ = std::max(next_round_ns_ + round_ms * ms, now_ns_ + round_ms * ms / 2);
  }
  for (std::size_t i = 0; i < probes_.size(); ++i) advance(probes_[i], now_ns_);
  std::erase_if(probes_, [](const Probe& each) { return each.nonce == 0; });
  look_after_watched();
}

std::uint64_t Membership::next_turn_ns() const {
  if (peers_.empty()) return now_ns_ + 1'000 * ms;
  std::uint64_t wait_ms = round_ms;
  if (!watched_.empty()) wait_ms = 50;
  if (!probes_.empty()) wait_ms = 25;
  return std::min(next_round_ns_, now_ns_ + wait_ms * ms);
}

void Membership::leave(std::uint64_t now_ns) {
  note_time(now_ns);
  leaving_ = true;
  raise();
  own_.standing = Standing::left;
  own_.phase = Phase::left;
  std::size_t told = 0;
  for (const std::uint32_t index : order_) {
    const Peer& peer = peers_[index];
    if (!peer.addressed || peer.dead || peer.standing == Standing::left) continue;
    send(Message::Kind::ping, peer.id, random_() | 1, 0, 0, false);
    if (++told == told_of_leaving_max) break;
  }
}

void Membership::watch(Peer& peer) {
  if (peer.watched) return;
  peer.watched = true;
  watched_.push_back(static_cast<std::uint32_t>(&peer - peers_.data()));
}

void Membership::look_after_watched() {
  std::erase_if(watched_, [&](std::uint32_t index) {
    Peer& peer = peers_[index];
    const bool doubted = peer.standing == Standing::doubted && !peer.dead;
    const bool met =
        peer.standing == Standing::unknown && now_ns_ < peer.beat_ns + first_beat_watch_ms * ms;
    if (!doubted) return !(peer.watched = met);
    if (!peer.looked && peer.addressed && last_looks_left_ > 0 &&
        silent_ns(peer) >= last_look_after_ms * ms) {
      peer.looked = true;
      --last_looks_left_;
      probe(peer, Purpose::last_look, now_ns_);
    }
    judge(peer);
    return !(peer.watched = !peer.dead);
  });
}

std::uint64_t Membership::silent_ns(const Peer& peer) const {
  return now_ns_ - std::min(now_ns_, std::max(peer.doubted_ns, peer.heard_ns));
}

// Only looks of this container's own prove it.
bool Membership::beat_silent(const Peer& peer) const {
  const std::uint64_t needed_ms = lives_by_beat(peer) ? inactive_after_ms : beat_silent_ms;
  return peer.beat_read_ns > peer.doubted_ns && peer.beat_read_ns >= peer.beat_ns + needed_ms * ms;
}

void Membership::judge(Peer& peer) {
  if (silent_ns(peer) < doubt_inactive_ms * ms) return;
  if (!own_.filesystem_lost) {
    if (!beat_silent(peer)) return;
  } else {
    // Without its filesystem it goes by what others tell of the beat; whoever hears nobody at all
    // is itself the one that is cut off.
    if (isolated()) return;
    if (lives_by_beat(peer) && now_ns_ < peer.beat_ns + inactive_after_ms * ms) return;
  }
  peer.dead = true;
}

std::vector<PeerId> Membership::wanted_beats(std::uint64_t now_ns) const {
  std::vector<PeerId> wanted;
  const auto due = [&](const Peer& peer) {
    return now_ns >= peer.beat_read_ns + beat_look_every_ms * ms;
  };
  for (const Probe& each : probes_) {
    if (each.purpose != Purpose::round || now_ns < each.sent_ns + probe_unanswered_ms * ms)
      continue;
    if (const Peer* peer = find(each.id); peer != nullptr && !peer->watched && due(*peer)) {
      wanted.push_back(peer->id);
    }
  }
  for (const std::uint32_t index : watched_) {
    if (due(peers_[index])) wanted.push_back(peers_[index].id);
  }
  return wanted;
}

void Membership::observe_beat(PeerId id, const std::optional<BeatSeen>& beat,
                              std::uint64_t now_ns) {
  Peer* peer = find(id);
  if (peer == nullptr) return;
  const std::uint64_t read_before_ns = std::exchange(peer->beat_read_ns, now_ns);
  if (!beat || beat->run < peer->run) return;
  if (beat->run > peer->run) {
    *peer = {.id = id,
             .run = beat->run,
             .incarnation = beat->incarnation,
             .addressed = peer->addressed,
             .watched = peer->watched,
             .beat_read_ns = now_ns,
             .session = peer->session,
             .sequence = peer->sequence,
             .taken = peer->taken};
    std::erase(news_, static_cast<std::uint32_t>(peer - peers_.data()));
  }
  if (beat->incarnation >= peer->incarnation) {
    peer->phase = beat->phase;
    peer->ready = beat->ready;
    if (beat->phase == Phase::left && peer->standing != Standing::left) {
      peer->incarnation = beat->incarnation;
      peer->standing = Standing::left;
      spread(*peer, 4);
    }
  }
  if (peer->standing == Standing::left) return;
  merge_beat(*peer, beat->counter, now_ns, read_before_ns);
  if (peer->standing == Standing::unknown) watch(*peer);
}

std::vector<PeerId> Membership::containers() const {
  std::vector<PeerId> ids;
  for (const Peer& peer : peers_) ids.push_back(peer.id);
  return ids;
}

Sight Membership::sight(PeerId id, std::uint64_t now_ns) const {
  const Peer* peer = find(id);
  if (peer == nullptr) return {};
  Sight sight{
      .heard_ns = std::max(peer->heard_ns, peer->beat_advanced_ns),
      .by_network = peer->standing == Standing::alive && !peer->dead,
      .doubted = peer->standing == Standing::doubted,
      .filesystem_lost = peer->filesystem_lost,
      .ready = peer->ready,
      .settled = peer->standing != Standing::unknown || now_ns > begun_ns_ + settles_after_ms * ms};
  // Where looks are rare, what the last one found holds until the next; where there are none any
  // more, silence is counted to now.
  const std::uint64_t looked_ns = own_.filesystem_lost ? now_ns_ : peer->beat_read_ns;
  const std::uint64_t still_ns = looked_ns - std::min(looked_ns, peer->beat_ns);
  sight.by_filesystem = peer->beat_advanced_ns != 0 && peer->standing != Standing::left &&
                        (!sight.doubted || lives_by_beat(*peer)) &&
                        still_ns < inactive_after_ms * ms;
  if (peer->dead || peer->standing == Standing::left) {
    sight.by_network = sight.by_filesystem = false;
  } else if (!sight.doubted) {
    if (sight.by_network || sight.by_filesystem) sight.state = state_of(peer->phase);
  } else if (lives_by_beat(*peer)) {
    sight.state = still_ns < suspect_after_ms * ms ? state_of(peer->phase) : State::suspect;
  } else {
    const bool beat_late = own_.filesystem_lost ||
                           (peer->beat_read_ns > peer->doubted_ns && still_ns >= beat_late_ms * ms);
    sight.by_network = silent_ns(*peer) < doubt_suspect_ms * ms || !beat_late;
    sight.state = sight.by_network ? state_of(peer->phase) : State::suspect;
  }
  return sight;
}

}  // namespace millrace::health::cluster
