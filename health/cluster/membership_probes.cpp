// Rounds and probes: whom to ask when, and what no answer means; see membership.h.
#include "health/cluster/membership.h"

#include <algorithm>
#include <array>

namespace millrace::health::cluster {

namespace {

constexpr std::uint64_t ms = 1'000'000;

// When a probe sends what, from its beginning. A lost datagram costs a retry, not a doubt: where
// three of ten are lost, one probe of about 700 ends without an answer.
struct Course {
  std::span<const std::uint64_t> pings_ms;
  std::span<const std::uint64_t> asks_ms;  // of helpers
  std::uint64_t ends_ms;
};
constexpr std::array<std::uint64_t, 6> round_pings{0, 100, 150, 200, 250, 300};
constexpr std::array<std::uint64_t, 3> round_asks{probe_unanswered_ms, 210, 270};
constexpr std::array<std::uint64_t, 4> look_pings{0, 70, 140, 210};
constexpr std::array<std::uint64_t, 1> look_asks{70};
constexpr std::array<std::uint64_t, 1> one_ping{0};
constexpr std::array<std::uint64_t, 2> two_pings{0, 60};

}  // namespace

bool Membership::may_probe(const Peer& peer) const {
  return peer.addressed && !peer.dead && peer.standing != Standing::left &&
         std::ranges::none_of(probes_, [&](const Probe& each) {
           return each.id == peer.id && each.purpose != Purpose::help;
         });
}

void Membership::begin_round(std::uint64_t now_ns) {
  ++rounds_;
  last_looks_left_ = last_looks_per_round;
  std::size_t begun = 0;
  bool greeted = false;
  // Each in turn, in an order that changes with every pass: nobody waits longer than two of them.
  for (std::size_t looked = 0; looked < order_.size() && begun < probes_per_round; ++looked) {
    if (order_at_ == order_.size()) {
      std::ranges::shuffle(order_, random_);
      order_at_ = 0;
    }
    Peer& peer = peers_[order_[order_at_++]];
    if (!may_probe(peer)) continue;
    probe(peer, peer.standing == Standing::doubted ? Purpose::call : Purpose::round, now_ns);
    ++begun;
  }
  for (std::size_t i = 0; i < peers_.size() && !greeted; ++i) {
    Peer& peer = peers_[i];
    if (!peer.stranger) continue;
    peer.stranger = false;
    probe(peer, Purpose::call, now_ns);
    greeted = true;
  }
  if (rounds_ % rounds_per_call_to_the_dead != 0) return;
  // One of those that were told inactive: a network that was cut may be whole again.
  for (std::size_t looked = 0; looked < peers_.size(); ++looked) {
    Peer& peer = peers_[call_at_++ % peers_.size()];
    if (!peer.dead || !peer.addressed || peer.standing == Standing::left) continue;
    return probe(peer, Purpose::call, now_ns);
  }
}

void Membership::probe(Peer& peer, Purpose purpose, std::uint64_t now_ns) {
  Probe made{.purpose = purpose, .id = peer.id, .nonce = random_() | 1, .sent_ns = now_ns};
  if (purpose == Purpose::round) ++counts_.begun;
  advance(made, now_ns);
  probes_.push_back(made);
}

void Membership::advance(Probe& probe, std::uint64_t now_ns) {
  static constexpr std::array<Course, 4> courses{{{round_pings, round_asks, probe_ends_ms},
                                                  {look_pings, look_asks, 350},
                                                  {one_ping, {}, 400},
                                                  {two_pings, {}, 250}}};
  const Course& course = courses[static_cast<std::size_t>(probe.purpose)];
  const std::uint64_t elapsed_ms = (now_ns - std::min(now_ns, probe.sent_ns)) / ms;
  if (elapsed_ms >= course.ends_ms) {
    end(probe, now_ns);
    probe.nonce = 0;
    return;
  }
  // One of each at a time: after a turn that came late there is no burst.
  if (probe.pings < course.pings_ms.size() && elapsed_ms >= course.pings_ms[probe.pings]) {
    send(Message::Kind::ping, probe.id, probe.nonce, 0, probe.pings++, false);
  }
  if (probe.asks < course.asks_ms.size() && elapsed_ms >= course.asks_ms[probe.asks]) {
    ++probe.asks;
    ask_others(probe);
  }
}

void Membership::ask_others(const Probe& probe) {
  std::size_t asked = 0;
  const std::size_t first = order_.empty() ? 0 : random_() % order_.size();
  for (std::size_t i = 0; i < order_.size() && asked < helpers_per_ask; ++i) {
    const Peer& helper = peers_[order_[(first + i) % order_.size()]];
    if (helper.id == probe.id || helper.standing != Standing::alive || helper.dead ||
        !helper.addressed) {
      continue;
    }
    send(Message::Kind::ask, helper.id, probe.nonce, probe.id, 0, false);
    ++asked;
  }
}

void Membership::end(const Probe& probe, std::uint64_t) {
  Peer* peer = find(probe.id);
  if (peer == nullptr || probe.purpose != Purpose::round || peer->heard_ns >= probe.sent_ns) return;
  ++counts_.unanswered;
  if (peer->standing == Standing::doubted || peer->standing == Standing::left) return;
  ++counts_.doubts;
  // Whoever has heard nobody else since is perhaps itself the one that can't be heard.
  const std::uint64_t others_ns = heard_last_ == peer->id ? heard_before_ns_ : heard_any_ns_;
  peer->standing = Standing::doubted;
  peer->doubted_ns = probe.sent_ns;
  peer->looked = false;
  peer->alone = others_ns < probe.sent_ns;
  any_alone_ |= peer->alone;
  watch(*peer);
  if (!peer->alone) spread(*peer, 0);
}

void Membership::answer(const Message& message) {
  const auto pending = std::ranges::find_if(
      probes_, [&](const Probe& each) { return each.nonce != 0 && each.nonce == message.nonce; });
  switch (message.kind) {
    case Message::Kind::ping:
      return send(Message::Kind::ack, message.from, message.nonce, 0, 0, true);
    case Message::Kind::ask: {
      Peer* subject = find(message.subject);
      if (subject == nullptr || !subject->addressed || leaving_) return;
      probe(*subject, Purpose::help, now_ns_);
      probes_.back().asker = message.from;
      probes_.back().asker_nonce = message.nonce;
      return;
    }
    case Message::Kind::ack:
      if (pending == probes_.end() || pending->id != message.from) return;
      if (pending->purpose == Purpose::help) {
        send(Message::Kind::relay, pending->asker, pending->asker_nonce, pending->id, 0, false);
      }
      probes_.erase(pending);
      return;
    case Message::Kind::relay:
      if (pending == probes_.end() || pending->id != message.subject) return;
      if (Peer* subject = find(message.subject)) hear(*subject, now_ns_);
      probes_.erase(pending);
  }
}

void Membership::send(Message::Kind kind, PeerId to, std::uint64_t nonce, PeerId subject,
                      unsigned attempt, bool reply) {
  Outgoing out{.message = {.kind = kind,
                           .from = self_,
                           .to = to,
                           .session = session_,
                           .sequence = ++sequence_,
                           .nonce = nonce,
                           .subject = subject,
                           .generation = generation_,
                           .claims = {}},
               .attempt = attempt,
               .reply = reply};
  add_claims(out.message);
  outgoing_.push_back(std::move(out));
}

}  // namespace millrace::health::cluster
