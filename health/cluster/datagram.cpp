// The form of datagrams; see datagram.h.
#include "health/cluster/datagram.h"

#include "engine/check.h"

#include <algorithm>

namespace millrace::health::cluster {

namespace {

constexpr std::array<std::uint8_t, 4> magic{'M', 'R', 'P', 1};
constexpr std::size_t head_bytes = magic.size() + 2 + 7 * 8;
constexpr std::size_t claim_bytes = 8 + 4 + 4 + 1 + 1 + 1 + 2 + 4 + 2 + 1;
constexpr std::size_t address_bytes_max = 16 + 2;
static_assert(head_bytes + claims_max * (claim_bytes + address_bytes_max) + seal_bytes <=
              datagram_bytes_max);
constexpr std::uint8_t flag_filesystem_lost = 1;
constexpr std::uint8_t flag_ready = 2;

std::size_t address_bytes(const PeerAddress& address) {
  return address.family == 0 ? 0 : (address.family == 4 ? 4 : 16) + std::size_t{2};
}

class Writer {
 public:
  explicit Writer(std::vector<std::uint8_t>& out) : out_(out) {}

  template <class Number>
  void number(Number value) {
    for (std::size_t i = sizeof value; i-- > 0;) {
      out_.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
  }
  void bytes(std::span<const std::uint8_t> bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }

 private:
  std::vector<std::uint8_t>& out_;
};

// Once something was missing or wrong it gives zeros, and is not good any more.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  template <class Number>
  void number(Number& into) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(sizeof into)) value = value << 8 | byte;
    into = static_cast<Number>(value);
  }
  // A number up to `max` as an enumeration.
  template <class Kind>
  void kind(Kind& into, Kind min, Kind max) {
    std::uint8_t value = 0;
    number(value);
    require(value >= static_cast<std::uint8_t>(min) && value <= static_cast<std::uint8_t>(max));
    if (good_) into = static_cast<Kind>(value);
  }
  void bytes(std::span<std::uint8_t> into) {
    const auto taken = take(into.size());
    if (good_) std::ranges::copy(taken, into.begin());
  }
  void require(bool holds) { good_ = good_ && holds; }
  bool good() const { return good_; }
  bool ended() const { return bytes_.empty(); }

 private:
  std::span<const std::uint8_t> take(std::size_t count) {
    if (!good_ || bytes_.size() < count) {
      good_ = false;
      return {};
    }
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  std::span<const std::uint8_t> bytes_;
  bool good_ = true;
};

void write_claim(Writer& out, const Claim& claim) {
  out.number(claim.subject);
  out.number(claim.run);
  out.number(claim.incarnation);
  out.number(static_cast<std::uint8_t>(claim.standing));
  out.number(static_cast<std::uint8_t>(claim.phase));
  out.number(static_cast<std::uint8_t>((claim.filesystem_lost ? flag_filesystem_lost : 0) |
                                       (claim.ready ? flag_ready : 0)));
  out.number(claim.doubt_age_ms);
  out.number(claim.beat);
  out.number(claim.beat_age_ms);
  out.number(claim.address.family);
  if (!claim.address.known()) return;
  out.bytes(std::span(claim.address.bytes).first(address_bytes(claim.address) - 2));
  out.number(claim.address.port);
}

Claim read_claim(Reader& in) {
  Claim claim;
  std::uint8_t flags = 0;
  in.number(claim.subject);
  in.number(claim.run);
  in.number(claim.incarnation);
  in.kind(claim.standing, Standing::alive, Standing::left);
  in.kind(claim.phase, Phase::joining, Phase::left);
  in.number(flags);
  claim.filesystem_lost = (flags & flag_filesystem_lost) != 0;
  claim.ready = (flags & flag_ready) != 0;
  in.number(claim.doubt_age_ms);
  in.number(claim.beat);
  in.number(claim.beat_age_ms);
  in.number(claim.address.family);
  in.require(claim.run != 0 && flags <= (flag_filesystem_lost | flag_ready));
  in.require(claim.standing == Standing::doubted || claim.doubt_age_ms == 0);
  in.require(claim.address.family == 0 || claim.address.family == 4 || claim.address.family == 6);
  if (!in.good() || !claim.address.known()) return claim;
  in.bytes(std::span(claim.address.bytes).first(address_bytes(claim.address) - 2));
  in.number(claim.address.port);
  in.require(claim.address.port != 0);
  return claim;
}

}  // namespace

std::size_t datagram_bytes(const Message& message) {
  std::size_t bytes = head_bytes + seal_bytes;
  for (const Claim& claim : message.claims) bytes += claim_bytes + address_bytes(claim.address);
  return bytes;
}

std::vector<std::uint8_t> seal(const Message& message, const DatagramKey& key) {
  CHECK(!message.claims.empty() && message.claims.size() <= claims_max);
  std::vector<std::uint8_t> datagram;
  datagram.reserve(datagram_bytes(message));
  Writer out(datagram);
  out.bytes(magic);
  out.number(static_cast<std::uint8_t>(message.kind));
  out.number(static_cast<std::uint8_t>(message.claims.size()));
  for (const std::uint64_t value : {message.from, message.to, message.session, message.sequence,
                                    message.nonce, message.subject, message.generation}) {
    out.number(value);
  }
  for (const Claim& claim : message.claims) write_claim(out, claim);
  const DatagramKey::Seal made = key.seal_of(datagram);
  out.bytes(made);
  return datagram;
}

std::optional<Message> open(std::span<const std::uint8_t> datagram, const DatagramKey& key) {
  if (datagram.size() < head_bytes + claim_bytes + seal_bytes ||
      datagram.size() > datagram_bytes_max ||
      !std::ranges::equal(datagram.first(magic.size()), magic)) {
    return std::nullopt;
  }
  const auto sealed = datagram.first(datagram.size() - seal_bytes);
  if (!key.fits(sealed, datagram.last(seal_bytes))) return std::nullopt;
  Reader in(sealed.subspan(magic.size()));
  Message message;
  std::uint8_t count = 0;
  in.kind(message.kind, Message::Kind::ping, Message::Kind::relay);
  in.number(count);
  for (std::uint64_t* value : {&message.from, &message.to, &message.session, &message.sequence,
                               &message.nonce, &message.subject, &message.generation}) {
    in.number(*value);
  }
  in.require(count >= 1 && count <= claims_max && message.from != message.to &&
             message.session != 0 && message.sequence != 0 && message.nonce != 0);
  for (; in.good() && count > 0; --count) message.claims.push_back(read_claim(in));
  if (!in.good() || !in.ended() || message.claims.front().subject != message.from) {
    return std::nullopt;
  }
  return message;
}

}  // namespace millrace::health::cluster
