// Parsing and printing of listen addresses and trusted networks. Pure but for the index of an
// interface named in an IPv6 zone and for the two questions about the host at the end.
#include "tools/addresses.h"

#include "engine/check.h"
#include "engine/descriptor.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

namespace millrace::tools {
namespace {

constexpr const char* listen_forms =
    "allowed are ADDR:PORT as 10.0.0.1:9000, [::1]:9000 or *:9000, or a port alone";

std::unexpected<std::string> wrong(std::string_view text, std::string_view why,
                                   std::string_view allowed) {
  std::string message = "\"";
  message.append(text).append("\" ").append(why).append("; ").append(allowed);
  return std::unexpected(std::move(message));
}

bool parse_number(std::string_view text, unsigned max, unsigned& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value <= max;
}

bool parse_bytes(int family, std::string_view text, std::array<std::uint8_t, 16>& bytes) {
  return ::inet_pton(family, std::string(text).c_str(), bytes.data()) == 1;
}

std::string print_bytes(bool ipv6, const std::array<std::uint8_t, 16>& bytes) {
  char text[INET6_ADDRSTRLEN];
  CHECK(::inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text) != nullptr);
  return text;
}

bool bit_at(const std::array<std::uint8_t, 16>& bytes, unsigned index) {
  return ((bytes[index / 8] >> (7 - index % 8)) & 1) != 0;
}

// "fe80::1%eth0" or "fe80::1%2".
bool parse_ipv6(std::string_view text, ListenAddress& address) {
  const std::size_t percent = text.find('%');
  if (percent != std::string_view::npos) {
    const std::string zone(text.substr(percent + 1));
    unsigned index = 0;
    if (!parse_number(zone, UINT32_MAX, index)) index = ::if_nametoindex(zone.c_str());
    if (index == 0) return false;
    address.scope = index;
  }
  address.family = AddressFamily::ipv6;
  return parse_bytes(AF_INET6, text.substr(0, percent), address.bytes);
}

}  // namespace

std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text) {
  ListenAddress address;
  std::string_view host;
  std::string_view port = text;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || text.substr(end + 1, 1) != ":") {
      return wrong(text, "lacks a port after ']'", listen_forms);
    }
    host = text.substr(1, end - 1);
    port = text.substr(end + 2);
    if (!parse_ipv6(host, address)) return wrong(text, "holds no IPv6 address", listen_forms);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (host.find(':') != std::string_view::npos) {
      return wrong(text, "is an IPv6 address without brackets", listen_forms);
    }
    if (!host.empty() && host != "*") {
      address.family = AddressFamily::ipv4;
      if (!parse_bytes(AF_INET, host, address.bytes)) {
        return wrong(text, "holds no IP address (names of hosts aren't looked up)", listen_forms);
      }
    }
  } else if (text.find('.') != std::string_view::npos) {
    return wrong(text, "lacks a port", listen_forms);
  }
  unsigned number = 0;
  if (!parse_number(port, 65535, number) || number == 0) {
    return wrong(text, "has no port from 1 to 65535", listen_forms);
  }
  address.port = static_cast<std::uint16_t>(number);
  return address;
}

std::string ListenAddress::text() const {
  const std::string number = ":" + std::to_string(port);
  if (family == AddressFamily::any) return "*" + number;
  if (family == AddressFamily::ipv4) return print_bytes(false, bytes) + number;
  const std::string zone = scope == 0 ? "" : "%" + std::to_string(scope);
  return "[" + print_bytes(true, bytes) + zone + "]" + number;
}

std::expected<Network, std::string> parse_network(std::string_view text) {
  constexpr const char* forms = "allowed are networks as 10.0.0.0/8 or 2001:db8::/32";
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  Network network;
  network.ipv6 = host.find(':') != std::string_view::npos;
  if (!parse_bytes(network.ipv6 ? AF_INET6 : AF_INET, host, network.bytes)) {
    return wrong(text, "holds no IP address", forms);
  }
  const unsigned bits_max = network.ipv6 ? 128 : 32;
  unsigned bits = bits_max;
  if (slash != std::string_view::npos && !parse_number(text.substr(slash + 1), bits_max, bits)) {
    return wrong(text, "has no prefix length from 0 to " + std::to_string(bits_max), forms);
  }
  network.prefix_bits = static_cast<std::uint8_t>(bits);
  for (unsigned index = bits; index < bits_max; ++index) {
    if (bit_at(network.bytes, index)) {
      return wrong(text, "has bits set behind its prefix", forms);
    }
  }
  return network;
}

bool Network::contains(const sockaddr_storage& peer) const {
  std::array<std::uint8_t, 16> other{};
  bool other_ipv6 = peer.ss_family == AF_INET6;
  if (peer.ss_family == AF_INET) {
    std::memcpy(other.data(), &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, 4);
  } else if (other_ipv6) {
    const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
    other_ipv6 = !IN6_IS_ADDR_V4MAPPED(&six);
    std::memcpy(other.data(), six.s6_addr + (other_ipv6 ? 0 : 12), other_ipv6 ? 16 : 4);
  } else {
    return false;
  }
  if (other_ipv6 != ipv6) return false;
  for (unsigned index = 0; index < prefix_bits; ++index) {
    if (bit_at(bytes, index) != bit_at(other, index)) return false;
  }
  return true;
}

std::string Network::text() const {
  return print_bytes(ipv6, bytes) + "/" + std::to_string(prefix_bits);
}

bool overlap(const ListenAddress& a, const ListenAddress& b) {
  if (a.port != b.port) return false;
  if (a.family == AddressFamily::any || b.family == AddressFamily::any) return true;
  if (a.family != b.family) return false;
  return a.wildcard() || b.wildcard() || (a.bytes == b.bytes && a.scope == b.scope);
}

bool host_has_ipv6() {
  const engine::Descriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  sockaddr_in6 any = {};
  any.sin6_family = AF_INET6;
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
}

SocketAddress socket_address(const ListenAddress& address, bool has_ipv6) {
  SocketAddress result;
  const bool dual = address.family == AddressFamily::any && has_ipv6;
  if (dual || address.family == AddressFamily::ipv6) {
    auto& six = reinterpret_cast<sockaddr_in6&>(result.address);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(address.port);
    six.sin6_scope_id = address.scope;
    std::memcpy(six.sin6_addr.s6_addr, address.bytes.data(), 16);
    result.length = sizeof six;
    result.ipv6_only = !dual;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(result.address);
    four.sin_family = AF_INET;
    four.sin_port = htons(address.port);
    std::memcpy(&four.sin_addr, address.bytes.data(), 4);
    result.length = sizeof four;
  }
  return result;
}

std::vector<std::string> endpoints(const ListenAddress& address, bool tls) {
  const std::string scheme = tls ? "https://" : "http://";
  if (!address.wildcard()) return {scheme + address.text()};
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {scheme + address.text()};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  std::vector<std::string> outside;
  std::vector<std::string> loopback;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    ListenAddress one;
    one.port = address.port;
    if (entry->ifa_addr->sa_family == AF_INET && address.family != AddressFamily::ipv6) {
      one.family = AddressFamily::ipv4;
      std::memcpy(one.bytes.data(),
                  &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, 4);
    } else if (entry->ifa_addr->sa_family == AF_INET6 && address.family != AddressFamily::ipv4) {
      const auto& six = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
      if (IN6_IS_ADDR_LINKLOCAL(&six)) continue;
      one.family = AddressFamily::ipv6;
      std::memcpy(one.bytes.data(), six.s6_addr, 16);
    } else {
      continue;
    }
    auto& group = (entry->ifa_flags & IFF_LOOPBACK) != 0 ? loopback : outside;
    group.push_back(scheme + one.text());
  }
  outside.insert(outside.end(), loopback.begin(), loopback.end());
  return outside;
}

}  // namespace millrace::tools
