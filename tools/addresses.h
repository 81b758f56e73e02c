// Addresses as operators write them: where to listen, which networks to trust, and which endpoints
// clients can reach. Main thread, at start.
#pragma once

#include "tools/refusal.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

enum class AddressFamily : std::uint8_t {
  any,   // every interface, IPv4 and (where the host has it) IPv6
  ipv4,  // 0.0.0.0 is every IPv4 interface
  ipv6,  // [::] is every IPv6 interface, and only IPv6
};

struct ListenAddress {
  AddressFamily family = AddressFamily::any;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 in the first four
  std::uint32_t scope = 0;               // interface index of an IPv6 link-local address
  std::uint16_t port = 0;

  bool wildcard() const { return bytes == std::array<std::uint8_t, 16>{}; }
  std::string text() const;  // "*:9000", "10.0.0.1:9000", "[::1]:9000"
  bool operator==(const ListenAddress&) const = default;
};

// What bind(2) takes, and the option that must be set on the socket before it.
struct SocketAddress {
  sockaddr_storage address{};
  socklen_t length = 0;
  bool ipv6_only = false;  // value for IPV6_V6ONLY; meaningless for AF_INET

  int family() const { return address.ss_family; }
};

// A network whose connections are trusted, as in CIDR notation.
struct Network {
  bool ipv6 = false;
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t prefix_bits = 0;

  // IPv4 peers of a dual-stack socket (::ffff:a.b.c.d) are matched as IPv4.
  bool contains(const sockaddr_storage& peer) const;
  std::string text() const;
  bool operator==(const Network&) const = default;
};

// ADDR:PORT as 10.0.0.1:9000, [::1]:9000, [fe80::1%eth0]:9000, *:9000, :9000 or 9000.
// The error says what is wrong with the text and what is allowed, without naming the flag.
std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text);
// 10.0.0.0/8, 2001:db8::/32, or one address.
std::expected<Network, std::string> parse_network(std::string_view text);

// True when both can't be listened on at once: one port, and one address covers the other.
bool overlap(const ListenAddress& a, const ListenAddress& b);

// Whether IPv6 sockets can be bound on this host at all.
bool host_has_ipv6();
// Family `any` is one dual-stack [::] socket, or 0.0.0.0 where the host has no IPv6: one socket
// instead of two for each shard to accept from, and one answer to "is the port free".
SocketAddress socket_address(const ListenAddress& address, bool has_ipv6);

// The addresses by which clients reach a listener ("http://10.0.0.1:9000", or https): for a
// wildcard, those of all interfaces that are up, loopback last; link-local IPv6 ones are left out.
std::vector<std::string> endpoints(const ListenAddress& address, bool tls);

}  // namespace millrace::tools
