// PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt, sections 2.1 and 2.2): what a
// trusted load balancer says of the client before the first request. Pure.
#pragma once

#include "engine/error.h"

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace millrace::http {

// Version 1 is at most 107 bytes; of version 2 the extensions (TLVs) are taken up to this.
inline constexpr std::size_t proxy_header_bytes_max = 1024;

struct ProxyHeader {
  bool complete = false;
  std::size_t wanted_bytes = 0;  // not complete: at least so many more are needed
  bool has_source = false;       // false: a connection of the proxy itself (LOCAL, UNKNOWN)
  sockaddr_storage source{};
};

// `bytes` is what has been taken of the header so far, never more than `wanted_bytes` asked for.
// Errors: malformed (not a PROXY header, or a broken one), too_large.
engine::Result<ProxyHeader> parse_proxy_header(std::string_view bytes);

// Networks in CIDR form; an IPv4 address mapped into IPv6 counts as IPv4.
struct TrustedNetworks {
  struct Network {
    std::array<std::uint8_t, 16> address{};  // IPv4 is mapped
    unsigned prefix_bits = 0;                // of 128
  };
  std::vector<Network> networks;

  bool contains(const sockaddr_storage& peer) const;
  // Adds "10.0.0.0/8", "fd00::/8" or a single address; false when it is none.
  bool add(std::string_view cidr);
};

}  // namespace millrace::http
