// See proxy.h. Version 1 is read byte by byte up to its line end, so that nothing behind it is
// taken; version 2 tells its length in its first 16 bytes.
#include "http/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace millrace::http {

using engine::Errc;
using engine::Result;

namespace {

constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v2_fixed_bytes = 16;
constexpr std::size_t v1_bytes_max = 107;

bool parse_address(std::string_view text, int family, void* out) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof copy) return false;
  std::memcpy(copy, text.data(), text.size());
  return ::inet_pton(family, copy, out) == 1;
}

bool parse_number(std::string_view text, unsigned maximum, unsigned& out) {
  if (text.empty() || text.size() > 5) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && out <= maximum;
}

bool set_source(ProxyHeader& header, int family, std::string_view address, unsigned port) {
  header.has_source = true;
  header.source.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    auto& in = reinterpret_cast<sockaddr_in&>(header.source);
    in.sin_port = htons(static_cast<std::uint16_t>(port));
    return parse_address(address, AF_INET, &in.sin_addr);
  }
  auto& in6 = reinterpret_cast<sockaddr_in6&>(header.source);
  in6.sin6_port = htons(static_cast<std::uint16_t>(port));
  return parse_address(address, AF_INET6, &in6.sin6_addr);
}

std::string_view next_word(std::string_view& line) {
  const auto space = line.find(' ');
  const auto word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

Result<ProxyHeader> parse_v1(std::string_view bytes) {
  ProxyHeader header;
  if (!bytes.ends_with("\r\n")) {
    if (bytes.size() >= v1_bytes_max) return engine::fail(Errc::too_large);
    header.wanted_bytes = 1;
    return header;
  }
  std::string_view line = bytes.substr(0, bytes.size() - 2);
  next_word(line);  // PROXY
  const auto protocol = next_word(line);
  header.complete = true;
  if (protocol == "UNKNOWN") return header;
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  if (family == AF_INET6 && protocol != "TCP6") return engine::fail(Errc::malformed);
  const auto source = next_word(line);
  const auto destination = next_word(line);
  unsigned source_port = 0;
  unsigned destination_port = 0;
  in6_addr ignored{};
  if (!parse_number(next_word(line), 65535, source_port) ||
      !parse_number(next_word(line), 65535, destination_port) || !line.empty() ||
      !parse_address(destination, family, &ignored) ||
      !set_source(header, family, source, source_port)) {
    return engine::fail(Errc::malformed);
  }
  return header;
}

std::uint16_t big_endian_16(std::string_view bytes) {
  return static_cast<std::uint16_t>((static_cast<std::uint8_t>(bytes[0]) << 8) |
                                    static_cast<std::uint8_t>(bytes[1]));
}

Result<ProxyHeader> parse_v2(std::string_view bytes) {
  ProxyHeader header;
  if (bytes.size() < v2_fixed_bytes) {
    header.wanted_bytes = v2_fixed_bytes - bytes.size();
    return header;
  }
  const auto version_command = static_cast<std::uint8_t>(bytes[12]);
  if (version_command != 0x20 && version_command != 0x21) return engine::fail(Errc::malformed);
  const std::size_t size = v2_fixed_bytes + big_endian_16(bytes.substr(14));
  if (size > proxy_header_bytes_max) return engine::fail(Errc::too_large);
  if (bytes.size() < size) {
    header.wanted_bytes = size - bytes.size();
    return header;
  }
  header.complete = true;
  if (version_command == 0x20) return header;  // LOCAL
  const auto family = static_cast<std::uint8_t>(bytes[13]);
  const auto addresses = bytes.substr(v2_fixed_bytes);
  if (family == 0x11 && addresses.size() >= 12) {
    auto& in = reinterpret_cast<sockaddr_in&>(header.source);
    in.sin_family = AF_INET;
    std::memcpy(&in.sin_addr, addresses.data(), 4);
    std::memcpy(&in.sin_port, addresses.data() + 8, 2);
    header.has_source = true;
  } else if (family == 0x21 && addresses.size() >= 36) {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(header.source);
    in6.sin6_family = AF_INET6;
    std::memcpy(&in6.sin6_addr, addresses.data(), 16);
    std::memcpy(&in6.sin6_port, addresses.data() + 32, 2);
    header.has_source = true;
  } else if (family == 0x11 || family == 0x21) {
    return engine::fail(Errc::malformed);
  }
  return header;
}

std::array<std::uint8_t, 16> mapped(const in_addr& address) {
  std::array<std::uint8_t, 16> bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes.data() + 12, &address, 4);
  return bytes;
}

}  // namespace

Result<ProxyHeader> parse_proxy_header(std::string_view bytes) {
  constexpr std::string_view v1_signature = "PROXY ";
  const auto v1_common = std::min(bytes.size(), v1_signature.size());
  const auto v2_common = std::min(bytes.size(), v2_signature.size());
  if (bytes.substr(0, v1_common) == v1_signature.substr(0, v1_common)) {
    if (bytes.size() >= v1_signature.size()) return parse_v1(bytes);
    return ProxyHeader{.wanted_bytes = v1_signature.size() - bytes.size()};
  }
  if (bytes.substr(0, v2_common) == v2_signature.substr(0, v2_common)) return parse_v2(bytes);
  return engine::fail(Errc::malformed);
}

bool TrustedNetworks::add(std::string_view cidr) {
  const auto slash = cidr.find('/');
  const auto address = cidr.substr(0, slash);
  Network network;
  in_addr v4{};
  in6_addr v6{};
  unsigned bits_max = 128;
  if (parse_address(address, AF_INET, &v4)) {
    network.address = mapped(v4);
    bits_max = 32;
  } else if (parse_address(address, AF_INET6, &v6)) {
    std::memcpy(network.address.data(), &v6, 16);
  } else {
    return false;
  }
  unsigned bits = bits_max;
  if (slash != std::string_view::npos && !parse_number(cidr.substr(slash + 1), bits_max, bits)) {
    return false;
  }
  network.prefix_bits = bits + (128 - bits_max);
  networks.push_back(network);
  return true;
}

bool TrustedNetworks::contains(const sockaddr_storage& peer) const {
  std::array<std::uint8_t, 16> address{};
  if (peer.ss_family == AF_INET) {
    address = mapped(reinterpret_cast<const sockaddr_in&>(peer).sin_addr);
  } else if (peer.ss_family == AF_INET6) {
    std::memcpy(address.data(), &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, 16);
  } else {
    return false;
  }
  return std::ranges::any_of(networks, [&](const Network& network) {
    const std::size_t whole = network.prefix_bits / 8;
    const unsigned rest = network.prefix_bits % 8;
    if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole),
                    network.address.begin())) {
      return false;
    }
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
    return (address[whole] & mask) == (network.address[whole] & mask);
  });
}

}  // namespace millrace::http
