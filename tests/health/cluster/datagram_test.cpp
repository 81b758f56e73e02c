// Datagrams: what was sealed comes back, and nothing else does.
#include "health/cluster/datagram.h"

#include <doctest/doctest.h>

#include <random>

using namespace millrace::health::cluster;

namespace {

Message example(std::mt19937_64& random) {
  Message message{.kind = static_cast<Message::Kind>(random() % 4),
                  .from = random(),
                  .to = random(),
                  .session = random() | 1,
                  .sequence = random() | 1,
                  .nonce = random() | 1,
                  .subject = random(),
                  .generation = random(),
                  .claims = {}};
  const std::size_t count = 1 + random() % claims_max;
  for (std::size_t i = 0; i < count; ++i) {
    Claim claim{.subject = i == 0 ? message.from : random(),
                .run = static_cast<std::uint32_t>(random() | 1),
                .incarnation = static_cast<std::uint32_t>(random()),
                .standing = static_cast<Standing>(1 + random() % 3),
                .phase = static_cast<Phase>(random() % 4),
                .filesystem_lost = random() % 2 == 0,
                .ready = random() % 2 == 0,
                .beat = static_cast<std::uint32_t>(random()),
                .beat_age_ms = static_cast<std::uint16_t>(random()),
                .address = {}};
    if (claim.standing == Standing::doubted) {
      claim.doubt_age_ms = static_cast<std::uint16_t>(random());
    }
    claim.address.family =
        static_cast<std::uint8_t>(random() % 3 * 2 == 2 ? 0 : 4 + random() % 2 * 2);
    if (claim.address.known()) {
      const std::size_t bytes = claim.address.family == 4 ? 4 : 16;
      for (std::size_t at = 0; at < bytes; ++at) {
        claim.address.bytes[at] = static_cast<std::uint8_t>(random());
      }
      claim.address.port = static_cast<std::uint16_t>(random() | 1);
    }
    message.claims.push_back(claim);
  }
  return message;
}

// With the seal that belongs to it, as a container with a bug would send it.
std::vector<std::uint8_t> resealed(std::vector<std::uint8_t> datagram, const DatagramKey& key) {
  datagram.resize(datagram.size() - seal_bytes);
  const DatagramKey::Seal made = key.seal_of(datagram);
  datagram.insert(datagram.end(), made.begin(), made.end());
  return datagram;
}

}  // namespace

TEST_CASE("datagrams: what was sealed comes back") {
  std::mt19937_64 random(1);
  const DatagramKey key("0123");
  for (int turn = 0; turn < 200; ++turn) {
    const Message message = example(random);
    const auto datagram = seal(message, key);
    CHECK(datagram.size() == datagram_bytes(message));
    CHECK(datagram.size() <= datagram_bytes_max);
    const auto opened = open(datagram, key);
    REQUIRE(opened.has_value());
    CHECK(*opened == message);
    CHECK_FALSE(open(datagram, DatagramKey("0124")).has_value());
  }
}

TEST_CASE("datagrams: any other byte, length or end is refused") {
  std::mt19937_64 random(2);
  const DatagramKey key("0123");
  for (int turn = 0; turn < 4; ++turn) {
    const auto datagram = seal(example(random), key);
    for (std::size_t at = 0; at < datagram.size(); ++at) {
      auto changed = datagram;
      changed[at] ^= static_cast<std::uint8_t>(1 + random() % 255);
      CHECK_FALSE(open(changed, key).has_value());
      CHECK_FALSE(open(std::span(datagram).first(at), key).has_value());
    }
    auto longer = datagram;
    longer.push_back(0);
    CHECK_FALSE(open(longer, key).has_value());
  }
}

// Behind the seal the parser must hold, too: what it takes is of the form, so sealing it again
// gives the same bytes.
TEST_CASE("datagrams: sealed nonsense is refused, or is exactly one message") {
  std::mt19937_64 random(3);
  const DatagramKey key("0123");
  std::size_t taken = 0;
  for (int turn = 0; turn < 3'000; ++turn) {
    auto datagram = seal(example(random), key);
    for (std::uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % (datagram.size() - seal_bytes);
      switch (random() % 4) {
        case 0: datagram[at] = static_cast<std::uint8_t>(random()); break;
        case 1: datagram.erase(datagram.begin() + static_cast<std::ptrdiff_t>(at)); break;
        case 2: datagram.insert(datagram.begin() + static_cast<std::ptrdiff_t>(at), 0xff); break;
        default: datagram[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
      }
    }
    datagram = resealed(std::move(datagram), key);
    const auto opened = open(datagram, key);
    if (!opened.has_value()) continue;
    ++taken;
    CHECK(seal(*opened, key) == datagram);
  }
  CHECK(taken > 100);  // else nothing was tried
  CHECK(open({}, key) == std::nullopt);
}
