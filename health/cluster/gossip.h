// What containers of a cluster tell each other: messages, and the claims about containers that ride
// on each of them. Values; datagram.h has them as bytes.
// Invariant: a claim is ordered by what its subject itself counts (run, incarnation), never by
// time, so that old news can neither revive nor kill. Ages are of the teller's monotonic clock, and
// stand still on the way, so what is told looks younger than it is and never older.
#pragma once

#include "health/cluster/beat.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::health::cluster {

// XXH3 of a container's name.
using PeerId = std::uint64_t;
PeerId peer_id(std::string_view name);

struct PeerAddress {
  std::uint8_t family = 0;  // 4, 6, or 0: none
  std::array<std::uint8_t, 16> bytes{};
  std::uint16_t port = 0;
  bool known() const { return family != 0; }
  bool operator==(const PeerAddress&) const = default;
};

// What holds of a container at one point of its life; of two at the same point the later counts.
enum class Standing : std::uint8_t {
  unknown,  // never heard of by the network; not told
  alive,    // it says so
  doubted,  // somebody had no answer from it; it takes that back by a higher incarnation
  left,     // it says so; ends this run
};

struct Claim {
  PeerId subject = 0;
  std::uint32_t run = 0;          // counts the subject's processes
  std::uint32_t incarnation = 0;  // raised by the subject alone, with whatever it says of itself
  Standing standing = Standing::unknown;
  Phase phase = Phase::joining;
  bool filesystem_lost = false;    // its configuration filesystem
  bool ready = false;              // it takes requests
  std::uint16_t doubt_age_ms = 0;  // since the first probe that went unanswered
  std::uint32_t beat = 0;          // the highest counter of its beats that is known; 0: none
  std::uint16_t beat_age_ms = 0;   // since it was first known
  PeerAddress address;             // where it was heard from last
  bool operator==(const Claim&) const = default;
};

struct Message {
  enum class Kind : std::uint8_t {
    ping,   // answer with an ack
    ack,    // the answer, with the ping's nonce
    ask,    // ping `subject` for me
    relay,  // `subject` answered; the nonce is the ask's
  };
  Kind kind = Kind::ping;
  PeerId from = 0;
  PeerId to = 0;
  std::uint64_t session = 0;   // random for each process
  std::uint64_t sequence = 0;  // of the session, from 1
  std::uint64_t nonce = 0;
  PeerId subject = 0;
  std::uint64_t generation = 0;  // of the configuration that the sender goes by
  std::vector<Claim> claims;     // the first is the sender's, of itself
  bool operator==(const Message&) const = default;
};

// A message has never more; with addresses of IPv6 that is still one datagram.
inline constexpr std::size_t claims_max = 22;

}  // namespace millrace::health::cluster
