// Messages between containers as datagrams: version 1 of their form, and the seal of HMAC-SHA256
// (RFC 2104) by the cluster's peer key over all of it. Nothing in them is secret. What is not
// exactly of this form, or not sealed by this key, is refused whole. Values; any thread.
//
//     "MRP" 1 | kind, count of claims: 1 byte each
//     from, to, session, sequence, nonce, subject, generation: 8 each
//     claims: subject 8, run 4, incarnation 4, standing 1, phase 1, flags 1, doubt's age 2, beat 4,
//             beat's age 2, family 1, then for an address its 4 or 16 bytes and port 2
//     seal: 32
//
// Numbers are big-endian.
#pragma once

#include "health/cluster/gossip.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace millrace::health::cluster {

inline constexpr std::size_t datagram_bytes_max = 1'200;  // fits every path's MTU
inline constexpr std::size_t seal_bytes = 32;

// As long as the datagram that it becomes.
std::size_t datagram_bytes(const Message& message);

// Made of Secrets::peer_key; another use of that key has another.
class DatagramKey {
 public:
  explicit DatagramKey(std::string_view peer_key);
  using Seal = std::array<std::uint8_t, seal_bytes>;
  Seal seal_of(std::span<const std::uint8_t> bytes) const;
  // In a time that doesn't depend on the bytes.
  bool fits(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> seal) const;

 private:
  Seal key_{};
};

std::vector<std::uint8_t> seal(const Message& message, const DatagramKey& key);
std::optional<Message> open(std::span<const std::uint8_t> datagram, const DatagramKey& key);

}  // namespace millrace::health::cluster
