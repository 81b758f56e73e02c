// Addresses of the other containers; see address_book.h.
#include "health/cluster/address_book.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace millrace::health::cluster {

namespace {
// So many attempts at the confirmed address before others are tried, too.
constexpr unsigned attempts_confirmed = 2;
}  // namespace

PeerAddress address_of_endpoint(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos) return {};
  PeerAddress address;
  const std::string_view port = url.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || address.port == 0) return {};
  std::string host(url.substr(0, colon));
  const bool ipv6 = host.starts_with('[') && host.ends_with(']');
  if (ipv6) host = host.substr(1, host.size() - 2);
  if (::inet_pton(ipv6 ? AF_INET6 : AF_INET, host.c_str(), address.bytes.data()) != 1) return {};
  address.family = ipv6 ? 6 : 4;
  return address;
}

PeerAddress address_of_socket(const sockaddr_storage& socket) {
  PeerAddress address;
  if (socket.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(socket);
    address.family = 4;
    address.port = ntohs(four.sin_port);
    std::memcpy(address.bytes.data(), &four.sin_addr, 4);
  } else if (socket.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(socket);
    address.family = 6;
    address.port = ntohs(six.sin6_port);
    std::memcpy(address.bytes.data(), &six.sin6_addr, 16);
  }
  return address;
}

std::pair<sockaddr_storage, socklen_t> socket_address_of(const PeerAddress& address) {
  std::pair<sockaddr_storage, socklen_t> result{};
  if (address.family == 6) {
    auto& six = reinterpret_cast<sockaddr_in6&>(result.first);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(address.port);
    std::memcpy(&six.sin6_addr, address.bytes.data(), 16);
    result.second = sizeof six;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(result.first);
    four.sin_family = AF_INET;
    four.sin_port = htons(address.port);
    std::memcpy(&four.sin_addr, address.bytes.data(), 4);
    result.second = sizeof four;
  }
  return result;
}

bool is_loopback(const PeerAddress& address) {
  static constexpr std::array<std::uint8_t, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address.family == 4 ? address.bytes[0] == 127 : address.bytes == one;
}

bool AddressBook::set_endpoints(PeerId id, const std::vector<std::string>& urls) {
  Entry& entry = entries_[id];
  if (entry.urls != urls) {
    entry.urls = urls;
    entry.candidates.clear();
    for (const std::string& url : urls) {
      if (const PeerAddress address = address_of_endpoint(url); address.known()) {
        entry.candidates.push_back(address);
      }
    }
  }
  return !entry.candidates.empty();
}

bool AddressBook::add_told(PeerId id, const PeerAddress& address) {
  if (!address.known()) return false;
  entries_[id].told = address;
  return true;
}

void AddressBook::confirm(PeerId id, const PeerAddress& source) {
  Entry& entry = entries_[id];
  if (!entry.confirmed.known()) entry.confirmed = source;
}

PeerAddress AddressBook::choose(PeerId id, unsigned attempt) {
  Entry& entry = entries_[id];
  if (entry.confirmed.known() && attempt < attempts_confirmed) return entry.confirmed;
  std::vector<PeerAddress> all = entry.candidates;
  for (const PeerAddress& more : {entry.confirmed, entry.told}) {
    if (more.known() && std::ranges::find(all, more) == all.end()) all.push_back(more);
  }
  // From here on whatever answers first is confirmed; the last one stays among them.
  if (entry.confirmed.known()) entry.told = std::exchange(entry.confirmed, {});
  return all.empty() ? PeerAddress{} : all[entry.next++ % all.size()];
}

bool AddressBook::knows(PeerId id) const {
  const auto at = entries_.find(id);
  return at != entries_.end() && (at->second.confirmed.known() || at->second.told.known() ||
                                  !at->second.candidates.empty());
}

PeerAddress AddressBook::confirmed(PeerId id) const {
  const auto at = entries_.find(id);
  return at == entries_.end() ? PeerAddress{} : at->second.confirmed;
}

}  // namespace millrace::health::cluster
