// What is taken of messages, and what is told on; see membership.h.
#include "health/cluster/membership.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace millrace::health::cluster {

namespace {

constexpr std::uint64_t ms = 1'000'000;

std::uint16_t age_ms(std::uint64_t now_ns, std::uint64_t since_ns) {
  const std::uint64_t age = (now_ns - std::min(now_ns, since_ns)) / ms;
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(age, 65'535));
}

std::uint64_t before(std::uint64_t now_ns, std::uint16_t age) {
  return now_ns - std::min<std::uint64_t>(now_ns - 1, age * ms);
}

}  // namespace

// A session is taken up by what has a nonce of this process that is awaited: a recorded datagram of
// an earlier process, of either side, has none. Then each sequence counts once, also out of order.
bool Membership::fresh(Peer& peer, const Message& message) {
  if (message.session != peer.session) {
    const bool proof = std::ranges::any_of(probes_, [&](const Probe& each) {
      return each.nonce == message.nonce &&
             ((message.kind == Message::Kind::ack && each.id == message.from) ||
              (message.kind == Message::Kind::relay && each.id == message.subject));
    });
    if (!proof) return false;
    peer.session = message.session;
    peer.sequence = message.sequence;
    peer.taken = ~std::uint64_t{0};  // what came before it was not believed
    peer.stranger = false;
    return true;
  }
  if (message.sequence > peer.sequence) {
    const std::uint64_t ahead = message.sequence - peer.sequence;
    peer.taken = (ahead < 64 ? peer.taken << ahead : 0) | 1;
    peer.sequence = message.sequence;
    return true;
  }
  const std::uint64_t behind = peer.sequence - message.sequence;
  if (behind >= 64 || (peer.taken >> behind & 1) != 0) return false;
  peer.taken |= std::uint64_t{1} << behind;
  return true;
}

void Membership::hear(Peer& peer, std::uint64_t now_ns) {
  if (heard_last_ != peer.id) heard_before_ns_ = heard_any_ns_;
  heard_last_ = peer.id;
  heard_any_ns_ = now_ns;
  peer.heard_ns = now_ns;
  peer.looked = false;
  if (std::exchange(peer.dead, false) && peer.standing == Standing::doubted) watch(peer);
  if (!any_alone_) return;
  // What was doubted while nobody could be heard was this container's own trouble.
  any_alone_ = false;
  for (Peer& each : peers_) {
    if (!each.alone || each.standing != Standing::doubted) continue;
    each.standing = Standing::alive;
    each.doubted_ns = 0;
    each.alone = each.dead;  // until somebody has heard of it since
    any_alone_ |= each.alone;
  }
}

bool Membership::receive(const Message& message, std::uint64_t now_ns) {
  note_time(now_ns);
  if (message.to != self_ || message.from == self_) {
    ++counts_.refused;
    return false;
  }
  generation_heard_ = std::max(generation_heard_, message.generation);
  Peer* peer = find(message.from);
  if (peer == nullptr || !fresh(*peer, message)) {
    const bool replayed = peer != nullptr && peer->session == message.session;
    // Whoever is not known yet is answered, but not believed.
    if (!replayed && (message.kind == Message::Kind::ping || message.kind == Message::Kind::ask)) {
      if (peer != nullptr) peer->stranger = true;
      answer(message);
    } else {
      ++counts_.refused;
    }
    return false;
  }
  peer->addressed = true;
  hear(*peer, now_ns_);
  for (const Claim& claim : message.claims) {
    if (claim.subject == peer->id && &claim == message.claims.data()) {
      peer->behind =
          std::tie(claim.run, claim.incarnation) < std::tie(peer->run, peer->incarnation);
    }
    learn(claim, now_ns_);
  }
  answer(message);
  return true;
}

void Membership::learn(const Claim& claim, std::uint64_t now_ns, bool tell) {
  if (claim.subject == self_) return defend(claim);
  if (Peer* peer = find(claim.subject)) merge(*peer, claim, now_ns, tell);
}

// What is said of this container and is not so is taken back by saying something later.
void Membership::defend(const Claim& claim) {
  if (leaving_ || claim.run < own_.run) return;
  if (claim.run > own_.run || claim.standing == Standing::left) {
    own_.run = claim.run + 1;
    own_.incarnation = 0;
    ++counts_.refutations;
    return;
  }
  const bool same = claim.incarnation == own_.incarnation;
  if (claim.incarnation < own_.incarnation || (same && claim.standing == Standing::alive)) return;
  own_.incarnation = claim.incarnation;
  raise();
  ++counts_.refutations;
}

void Membership::merge(Peer& peer, const Claim& claim, std::uint64_t now_ns, bool tell) {
  if (claim.standing == Standing::unknown) return;
  const auto known = std::tuple(peer.run, peer.incarnation, peer.standing);
  const auto told = std::tuple(claim.run, claim.incarnation, claim.standing);
  if (told > known) {
    if (claim.run > peer.run) {
      peer.beat = 0;
      peer.beat_ns = peer.beat_advanced_ns = 0;
    }
    peer.run = claim.run;
    peer.incarnation = claim.incarnation;
    peer.standing = claim.standing;
    peer.phase = claim.phase;
    peer.filesystem_lost = claim.filesystem_lost;
    peer.ready = claim.ready;
    peer.alone = false;
    if (claim.standing == Standing::doubted) {
      peer.doubted_ns = before(now_ns, claim.doubt_age_ms);
      peer.looked = false;
      watch(peer);
    } else {
      peer.dead = false;
      peer.doubted_ns = 0;
    }
    if (tell) spread(peer, 0);
  } else if (told == known && claim.standing == Standing::doubted) {
    peer.doubted_ns = std::min(peer.doubted_ns, before(now_ns, claim.doubt_age_ms));
    if (std::exchange(peer.alone, false)) spread(peer, 0);
  } else if (told == known && peer.alone) {
    peer.alone = peer.dead = false;
  }
  if (claim.run == peer.run && claim.beat != 0 && peer.standing != Standing::left) {
    merge_beat(peer, claim.beat, before(now_ns, claim.beat_age_ms), peer.beat_read_ns);
  }
}

// An advance is one only beyond what was known since the doubt began: an older look may have been
// long before the subject's end.
void Membership::merge_beat(Peer& peer, std::uint32_t beat, std::uint64_t since_ns,
                            std::uint64_t known_ns) {
  if (beat == peer.beat) {
    peer.beat_ns = std::min(peer.beat_ns, since_ns);
    return;
  }
  if (beat < peer.beat) return;
  const bool advanced = peer.beat != 0 && std::max(peer.beat_ns, known_ns) > peer.doubted_ns;
  peer.beat = beat;
  peer.beat_ns = since_ns;
  if (!advanced) return;
  peer.beat_advanced_ns = since_ns;
  if (peer.standing != Standing::doubted) return;
  if (std::exchange(peer.dead, false)) watch(peer);
  // For those who have lost their configuration filesystem.
  if (!peer.alone) spread(peer, 4);
}

// `messages` 0: as many as it takes to reach everybody, almost surely.
void Membership::spread(Peer& peer, unsigned messages) {
  if (messages == 0) messages = 3 * static_cast<unsigned>(std::bit_width(peers_.size() + 1));
  if (peer.news_left == 0) news_.push_back(static_cast<std::uint32_t>(&peer - peers_.data()));
  peer.news_left = static_cast<std::uint8_t>(std::max<unsigned>(peer.news_left, messages));
}

Claim Membership::claim_of(const Peer& peer) const {
  Claim claim{.subject = peer.id,
              .run = peer.run,
              .incarnation = peer.incarnation,
              .standing = peer.standing,
              .phase = peer.phase,
              .filesystem_lost = peer.filesystem_lost,
              .ready = peer.ready,
              .beat = peer.beat,
              .beat_age_ms = age_ms(now_ns_, peer.beat_ns)};
  if (peer.standing == Standing::doubted) claim.doubt_age_ms = age_ms(now_ns_, peer.doubted_ns);
  return claim;
}

Claim Membership::own_claim() const {
  Claim claim = own_;
  claim.beat_age_ms = age_ms(now_ns_, beat_written_ns_);
  return claim;
}

// Its own, what the receiver should know of itself, news (the least told first), and some others in
// turn, so that in the end everybody knows everything.
void Membership::add_claims(Message& message) {
  message.claims.push_back(own_claim());
  const auto tellable = [&](const Peer& peer) {
    return peer.id != message.to && peer.standing != Standing::unknown && !peer.alone;
  };
  if (Peer* to = find(message.to);
      to != nullptr && !to->alone &&
      (to->behind || to->standing == Standing::doubted || to->standing == Standing::left)) {
    message.claims.push_back(claim_of(*to));
  }
  const std::size_t count = std::min(news_.size(), news_per_message);
  std::ranges::partial_sort(news_, news_.begin() + static_cast<std::ptrdiff_t>(count),
                            std::ranges::greater{},
                            [&](std::uint32_t index) { return peers_[index].news_left; });
  for (std::size_t i = 0; i < count; ++i) {
    Peer& peer = peers_[news_[i]];
    if (!tellable(peer)) continue;
    message.claims.push_back(claim_of(peer));
    --peer.news_left;
  }
  std::erase_if(news_, [&](std::uint32_t index) { return peers_[index].news_left == 0; });
  for (std::size_t looked = 0, told = 0;
       looked < std::min(peers_.size(), 2 * reminders_per_message) && told < reminders_per_message;
       ++looked) {
    const Peer& peer = peers_[reminder_at_++ % peers_.size()];
    if (!tellable(peer) || peer.news_left > 0) continue;
    message.claims.push_back(claim_of(peer));
    ++told;
  }
}

}  // namespace millrace::health::cluster
