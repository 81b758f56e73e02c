// Sockets and turns of the peers' thread; see peers.h.
#include "health/cluster/peers.h"

#include "health/limits.h"
#include "health/readiness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <tuple>

namespace millrace::health::cluster {

namespace {

constexpr std::uint64_t ms = 1'000'000;

std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = monotonic_ns();
  return seed;
}

}  // namespace

engine::Result<std::vector<engine::Descriptor>> open_peer_sockets(
    std::span<const sockaddr_storage> addresses) {
  std::vector<engine::Descriptor> sockets;
  for (const sockaddr_storage& address : addresses) {
    engine::Descriptor socket(
        ::socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return engine::fail_errno(errno);
    const int on = 1;
    if (address.ss_family == AF_INET6) {
      std::ignore = ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    const socklen_t length =
        address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) < 0) {
      return engine::fail_errno(errno);
    }
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

Peers::Peers(PeersOptions options)
    : options_(std::move(options)),
      self_(peer_id(options_.name)),
      key_(options_.peer_key),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      membership_(self_, options_.run, random_seed(), monotonic_ns()) {
  thread_ = std::thread([this] { run(); });
}

Peers::~Peers() {
  leave();
}

void Peers::wake() {
  const std::uint64_t one = 1;
  std::ignore = ::write(wake_.get(), &one, sizeof one);
}

void Peers::leave() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
}

void Peers::set_configuration(const Configuration& configuration, std::uint64_t generation) {
  {
    const std::lock_guard lock(mutex_);
    names_.clear();
    std::vector<PeerId> ids;
    for (const Container& container : configuration.containers) {
      const PeerId id = peer_id(container.name);
      ids.push_back(id);
      if (id != self_) names_.emplace_back(container.name, id);
    }
    membership_.set_containers(ids);
    generation_ = generation;
    membership_.set_generation(generation);
  }
  wake();
}

void Peers::set_phase(Phase phase, bool ready) {
  const std::lock_guard lock(mutex_);
  ready_ = ready && phase == Phase::active;
  membership_.set_phase(phase, ready_);
}

void Peers::note_beat_written(std::uint64_t counter) {
  const std::lock_guard lock(mutex_);
  membership_.note_beat_written(static_cast<std::uint32_t>(counter), monotonic_ns());
}

void Peers::observe_beat(const std::string& name, const Beat* beat) {
  const PeerId id = peer_id(name);
  const std::lock_guard lock(mutex_);
  if (beat == nullptr) return membership_.observe_beat(id, std::nullopt, monotonic_ns());
  if (book_.set_endpoints(id, beat->health_endpoints)) membership_.note_address(id);
  membership_.observe_beat(id,
                           BeatSeen{.run = beat->run,
                                    .incarnation = beat->incarnation,
                                    .counter = static_cast<std::uint32_t>(beat->counter),
                                    .phase = beat->phase,
                                    .ready = beat->reason == reason_text(Reason::ready)},
                           monotonic_ns());
}

std::vector<std::string> Peers::wanted_beats() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const PeerId id : membership_.wanted_beats(monotonic_ns())) {
    const auto at = std::ranges::find(names_, id, &std::pair<std::string, PeerId>::second);
    if (at != names_.end()) names.push_back(at->first);
  }
  return names;
}

std::uint64_t Peers::generation_heard() const {
  const std::lock_guard lock(mutex_);
  return membership_.generation_heard();
}

Peers::Self Peers::self() const {
  const std::lock_guard lock(mutex_);
  return {membership_.run(), membership_.incarnation()};
}

std::vector<Peers::Seen> Peers::seen() const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t now = monotonic_ns();
  std::vector<Seen> all;
  for (const auto& [name, id] : names_) all.push_back({name, membership_.sight(id, now)});
  return all;
}

void Peers::run() {
  ::pthread_setname_np(::pthread_self(), "mr-peers");
  // As the health shard: late answers would look like this container's end.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), -10);
  std::uint64_t last_ns = monotonic_ns();
  std::uint64_t published_ns = 0;
  for (bool going = true; going;) {
    going = wait();
    // What came while this process was stopped speaks of a time that is over.
    const std::uint64_t now = monotonic_ns();
    const bool was_away = now - last_ns > limits::pause_ns_min + round_ms * ms;
    last_ns = now;
    std::vector<Departure> departures;
    const auto arrivals = take_arrivals(was_away);
    for (const Arrival& arrival : arrivals) take(arrival, departures);
    bool wanted = false;
    {
      const std::lock_guard lock(mutex_);
      membership_.turn(monotonic_ns());
      if (!going) membership_.leave(monotonic_ns());
      collect(departures, {});
      wanted = !membership_.wanted_beats(monotonic_ns()).empty() ||
               membership_.generation_heard() > generation_;
    }
    send(departures);
    if (now - published_ns > limits::refresh_ms * ms) {
      wanted |= publish();
      published_ns = now;
    }
    if (wanted && going) options_.on_wanted();
  }
}

bool Peers::wait() {
  std::uint64_t until_ns = 0;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    until_ns = membership_.next_turn_ns();
  }
  std::vector<pollfd> ready{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  for (const auto& socket : options_.sockets) {
    ready.push_back({.fd = socket.get(), .events = POLLIN, .revents = 0});
  }
  const std::uint64_t now = monotonic_ns();
  const std::uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
  const timespec timeout{.tv_sec = static_cast<time_t>(wait_ns / 1'000'000'000),
                         .tv_nsec = static_cast<long>(wait_ns % 1'000'000'000)};
  std::ignore = ::ppoll(ready.data(), ready.size(), &timeout, nullptr);
  std::uint64_t woken = 0;
  std::ignore = ::read(wake_.get(), &woken, sizeof woken);
  const std::lock_guard lock(mutex_);
  return !stopping_;
}

std::vector<Peers::Arrival> Peers::take_arrivals(bool discard) {
  std::vector<Arrival> arrivals;
  std::size_t left = discard ? limits::datagrams_discarded_max : limits::datagrams_per_turn;
  std::array<std::uint8_t, datagram_bytes_max + 1> buffer{};
  for (const auto& socket : options_.sockets) {
    for (; left > 0; --left) {
      Arrival arrival;
      socklen_t length = sizeof arrival.source;
      const ssize_t got =
          ::recvfrom(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                     reinterpret_cast<sockaddr*>(&arrival.source), &length);
      if (got < 0) {
        // Some host has told that nobody listens at what was sent: no datagram, but not the end.
        if (errno == ECONNREFUSED) continue;
        break;
      }
      options_.figures->datagrams_received += 1;
      if (discard) continue;
      if (static_cast<std::size_t>(got) > datagram_bytes_max) {
        options_.figures->datagrams_refused += 1;
        continue;
      }
      arrival.bytes.assign(buffer.begin(), buffer.begin() + got);
      arrivals.push_back(std::move(arrival));
    }
  }
  return arrivals;
}

void Peers::take(const Arrival& arrival, std::vector<Departure>& departures) {
  const auto message = open(arrival.bytes, key_);
  if (!message) {
    options_.figures->datagrams_refused += 1;
    return;
  }
  const PeerAddress source = address_of_socket(arrival.source);
  const std::lock_guard lock(mutex_);
  const bool taken = membership_.receive(*message, monotonic_ns());
  if (taken) {
    book_.confirm(message->from, source);
    for (const Claim& claim : message->claims) {
      if (claim.subject != self_ && book_.add_told(claim.subject, claim.address)) {
        membership_.note_address(claim.subject);
      }
    }
  } else if (message->to == self_ && !book_.knows(message->from)) {
    // To ask it who it is; its beat is not readable yet, or not any more.
    book_.add_told(message->from, source);
    membership_.note_address(message->from);
  }
  collect(departures, source);
}

// Under the lock.
void Peers::collect(std::vector<Departure>& departures, const PeerAddress& reply_to) {
  for (Membership::Outgoing& out : membership_.take_outgoing()) {
    const PeerAddress to = out.reply ? reply_to : book_.choose(out.message.to, out.attempt);
    if (!to.known()) continue;
    for (Claim& claim : out.message.claims) {
      const PeerAddress address = book_.confirmed(claim.subject);
      // This host's loopback is another host's own.
      if (claim.subject != self_ && (!is_loopback(address) || is_loopback(to))) {
        claim.address = address;
      }
    }
    departures.push_back({to, seal(out.message, key_)});
  }
}

void Peers::send(const std::vector<Departure>& departures) {
  for (const Departure& each : departures) {
    const auto [address, length] = socket_address_of(each.to);
    for (const auto& socket : options_.sockets) {
      // That of the other family refuses. What can't be sent is as good as lost on the way.
      const ssize_t sent =
          ::sendto(socket.get(), each.bytes.data(), each.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&address), length);
      if (sent < 0) continue;
      options_.figures->datagrams_sent += 1;
      options_.figures->datagram_bytes_sent += each.bytes.size();
      break;
    }
  }
}

bool Peers::publish() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t now = monotonic_ns();
  std::uint64_t active = ready_ ? 1 : 0;
  std::uint64_t by_beat_alone = 0;
  for (const auto& [name, id] : names_) {
    const Sight sight = membership_.sight(id, now);
    active += sight.state == State::active && sight.ready ? 1 : 0;
    by_beat_alone += sight.state != State::inactive && !sight.by_network ? 1 : 0;
  }
  const ProbeCounts& counts = membership_.counts();
  options_.figures->containers = names_.size() + 1;
  const bool changed = options_.figures->containers_active.exchange(active) != active;
  options_.figures->containers_by_beat_alone = by_beat_alone;
  options_.figures->probes = counts.begun;
  options_.figures->probes_unanswered = counts.unanswered;
  options_.figures->doubts = counts.doubts;
  options_.figures->refutations = counts.refutations;
  options_.figures->datagrams_stale = counts.refused;
  return changed;
}

}  // namespace millrace::health::cluster
