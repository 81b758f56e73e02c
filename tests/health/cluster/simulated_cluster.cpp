// See simulated_cluster.h.
#include "tests/health/cluster/simulated_cluster.h"

#include "health/cluster/datagram.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::tests {

namespace {
constexpr double member_turn_ms = 250;
constexpr unsigned turns_per_beat = 2;
constexpr std::size_t beats_per_turn = 4;
constexpr double sample_ms = 25;
constexpr std::size_t inbox_max = 400;  // of a socket that nobody reads
}  // namespace

World::World(const WorldOptions& options)
    : loss(options.loss),
      random_(options.seed),
      options_(options),
      nodes_(options.containers),
      files_(options.containers) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    ids_.push_back(peer_id(fmt::format("container-{}", i)));
    index_.emplace_back(ids_.back(), i);
  }
  std::ranges::sort(index_);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].rate = 1 + (chance() * 2 - 1) * options.clock_spread;
    nodes_[i].offset_ms = 1e6 + chance() * 1e9;
    start(i, 1);
  }
}

std::uint64_t World::clock(const Node& node) const {
  return static_cast<std::uint64_t>((now_ms_ * node.rate + node.offset_ms) * 1e6);
}

std::size_t World::index_of(PeerId id) const {
  return std::ranges::lower_bound(index_, id, {}, &std::pair<PeerId, std::size_t>::first)->second;
}

void World::start(std::size_t index, std::uint32_t run) {
  Node& node = nodes_[index];
  ++node.life;
  node.running = true;
  node.paused = false;
  node.since_ms = now_ms_;
  node.counter = 0;
  node.turn_at_ms = node.member_at_ms = 0;
  node.member_turns = 0;
  node.inbox.clear();
  node.membership = std::make_unique<Membership>(ids_[index], run, random_(), clock(node));
  node.membership->set_containers(ids_);
  node.membership->set_phase(Phase::active, true);
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    if (i == index) continue;
    node.membership->note_address(ids_[i]);
    if (options_.acquainted) {
      node.membership->learn({.subject = ids_[i],
                              .run = 1,
                              .incarnation = 1,
                              .standing = Standing::alive,
                              .phase = Phase::active},
                             clock(node), false);
    }
  }
  push(now_ms_ + chance() * 200, Event::Kind::turn, index);
  push(now_ms_ + chance() * member_turn_ms, Event::Kind::member, index);
}

void World::kill(std::size_t node) {
  nodes_[node].running = false;
  ++nodes_[node].life;
}

void World::leave(std::size_t index) {
  Node& node = nodes_[index];
  node.membership->leave(clock(node));
  send_all(index);
  if (!node.filesystem_lost) {
    files_[index].beat.phase = Phase::left;
    files_[index].beat.incarnation = node.membership->incarnation();
    ++files_[index].beat.counter;
  }
  kill(index);
}

void World::restart(std::size_t node, bool beat_lost) {
  kill(node);
  if (beat_lost) files_[node] = {};
  start(node, files_[node].there ? files_[node].beat.run + 1 : 1);
}

void World::pause(std::size_t node) {
  nodes_[node].paused = true;
}

void World::resume(std::size_t index, double clock_jump_ms, bool arrivals_lost) {
  Node& node = nodes_[index];
  node.paused = false;
  node.since_ms = now_ms_;
  node.turn_at_ms = node.member_at_ms = 0;
  node.offset_ms += clock_jump_ms;
  for (const Message& message : std::exchange(node.inbox, {})) {
    if (!arrivals_lost) node.membership->receive(message, clock(node));
  }
  send_all(index);
  push(now_ms_, Event::Kind::turn, index);
  push(now_ms_, Event::Kind::member, index);
}

void World::cut(std::size_t from, std::size_t to, bool is_cut) {
  std::erase(cuts_, std::pair(from, to));
  if (is_cut) cuts_.emplace_back(from, to);
}

void World::cut_off(std::size_t node, bool is_cut) {
  nodes_[node].cut_off = is_cut;
}

void World::lose_filesystem(std::size_t node, bool is_lost) {
  nodes_[node].filesystem_lost = is_lost;
}

void World::push(double at_ms, Event::Kind kind, std::size_t node,
                 std::shared_ptr<Message> message) {
  events_.push({at_ms, ++order_, kind, node, nodes_[node].life, std::move(message)});
}

void World::run(double duration_ms) {
  const double end_ms = now_ms_ + duration_ms;
  while (!events_.empty() && events_.top().at_ms <= end_ms) {
    const Event event = events_.top();
    events_.pop();
    while (next_sample_ms_ < event.at_ms) {
      now_ms_ = std::max(now_ms_, next_sample_ms_);
      sample();
      next_sample_ms_ += sample_ms;
    }
    now_ms_ = std::max(now_ms_, event.at_ms);
    handle(event);
  }
  now_ms_ = end_ms;
}

void World::handle(const Event& event) {
  Node& node = nodes_[event.node];
  if (!node.running) return;
  if (event.kind == Event::Kind::deliver) {
    if (node.paused) {
      if (node.inbox.size() < inbox_max) node.inbox.push_back(*event.message);
      return;
    }
    node.membership->receive(*event.message, clock(node));
    return send_all(event.node);
  }
  if (event.life != node.life || node.paused) return;
  switch (event.kind) {
    case Event::Kind::turn: return turn(event.node);
    case Event::Kind::member: return member_turn(event.node);
    case Event::Kind::wanted: return read_wanted(event.node);
    case Event::Kind::deliver: break;
  }
}

void World::turn(std::size_t index) {
  Node& node = nodes_[index];
  // One that was woken by an old event after a pause.
  if (now_ms_ < node.turn_at_ms) return;
  node.membership->turn(clock(node));
  send_all(index);
  if (!node.membership->wanted_beats(clock(node)).empty()) {
    push(now_ms_ + 1, Event::Kind::wanted, index);
  }
  const std::uint64_t now = clock(node);
  const std::uint64_t next = node.membership->next_turn_ns();
  const double wait_ms = next > now ? static_cast<double>(next - now) / 1e6 / node.rate : 0;
  node.turn_at_ms = now_ms_ + std::max(wait_ms, 0.1) + chance();  // the scheduler's share
  push(node.turn_at_ms, Event::Kind::turn, index);
}

// As health/cluster/member.cpp: a beat each second turn, a few of the others' each turn.
void World::member_turn(std::size_t index) {
  Node& node = nodes_[index];
  if (now_ms_ < node.member_at_ms) return;
  node.member_at_ms = now_ms_ + member_turn_ms / node.rate + chance() * 5;
  push(node.member_at_ms, Event::Kind::member, index);
  if (node.filesystem_lost) return;
  if (node.member_turns++ % turns_per_beat == 0) {
    files_[index] = {true,
                     {.run = node.membership->run(),
                      .incarnation = node.membership->incarnation(),
                      .counter = ++node.counter,
                      .phase = Phase::active}};
    node.membership->note_beat_written(node.counter, clock(node));
  }
  for (std::size_t i = 0; i < std::min(beats_per_turn, nodes_.size()); ++i) {
    const std::size_t subject = node.read_at++ % nodes_.size();
    if (subject != index) read_beat(index, subject);
  }
  read_wanted(index);
}

void World::read_beat(std::size_t index, std::size_t subject) {
  Node& node = nodes_[index];
  ++node.traffic.beats_read;
  const BeatFile& file = files_[subject];
  node.membership->observe_beat(ids_[subject], file.there ? std::optional(file.beat) : std::nullopt,
                                clock(node));
}

void World::read_wanted(std::size_t index) {
  Node& node = nodes_[index];
  if (node.filesystem_lost) return;
  for (const PeerId id : node.membership->wanted_beats(clock(node))) {
    read_beat(index, index_of(id));
  }
}

void World::send_all(std::size_t index) {
  Node& node = nodes_[index];
  for (Membership::Outgoing& out : node.membership->take_outgoing()) {
    if (tamper) tamper(index, out.message);
    const std::size_t to = index_of(out.message.to);
    const std::uint64_t bytes = datagram_bytes(out.message);
    ++node.traffic.messages;
    node.traffic.bytes += bytes;
    node.traffic.message_bytes_max = std::max(node.traffic.message_bytes_max, bytes);
    if (node.cut_off || nodes_[to].cut_off || chance() < loss) continue;
    if (std::ranges::find(cuts_, std::pair(index, to)) != cuts_.end()) continue;
    const auto message = std::make_shared<Message>(std::move(out.message));
    for (int copies = chance() < options_.doubled ? 2 : 1; copies > 0; --copies) {
      const double delay_ms =
          chance() < options_.late ? chance() * options_.late_ms_max : 0.05 + chance() * 2;
      push(now_ms_ + delay_ms, Event::Kind::deliver, to, message);
    }
  }
}

Sight World::sight(std::size_t observer, std::size_t subject) const {
  return nodes_[observer].membership->sight(ids_[subject], clock(nodes_[observer]));
}

void World::record(std::vector<std::size_t> subjects) {
  recorded_ = std::move(subjects);
  changes.clear();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].seen.clear();
    for (const std::size_t subject : recorded_) nodes_[i].seen.push_back(state(i, subject));
  }
}

void World::sample() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    if (!running(i)) continue;
    for (std::size_t at = 0; at < recorded_.size(); ++at) {
      if (recorded_[at] == i) continue;
      const State state = this->state(i, recorded_[at]);
      if (state == node.seen[at]) continue;
      changes.push_back({now_ms_, i, recorded_[at], node.seen[at], state});
      node.seen[at] = state;
    }
  }
}

void World::forget_traffic() {
  for (Node& node : nodes_) node.traffic = {};
}

}  // namespace millrace::tests
