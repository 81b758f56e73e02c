// The PROXY protocol: tables of headers, whole and in every prefix; networks in CIDR form.
#include "http/proxy.h"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

using namespace millrace::http;
using millrace::engine::Errc;

namespace {

std::string text_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    return std::string(text) + " " + std::to_string(ntohs(in.sin_port));
  }
  const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address);
  ::inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
  return std::string(text) + " " + std::to_string(ntohs(in6.sin6_port));
}

// Takes the header as the connection does: never more than what is surely wanted.
millrace::engine::Result<ProxyHeader> take(std::string_view bytes, std::size_t& taken) {
  taken = 0;
  for (;;) {
    const auto parsed = parse_proxy_header(bytes.substr(0, taken));
    if (!parsed || parsed->complete || taken == bytes.size()) return parsed;
    REQUIRE(parsed->wanted_bytes > 0);
    taken = std::min(bytes.size(), taken + parsed->wanted_bytes);
  }
}

std::string v2(std::uint8_t command, std::uint8_t family, std::string_view rest) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  header += static_cast<char>(rest.size() >> 8);
  header += static_cast<char>(rest.size());
  return header + std::string(rest);
}

const std::string v4_addresses("\x0a\x01\x02\x03\x0a\0\0\x01\x30\x39\x01\xbb", 12);
const std::string v6_addresses = [] {
  std::string text(36, '\0');
  text[0] = '\x20';
  text[1] = '\x01';
  text[15] = '\x01';
  text[32] = '\x01';
  return text;
}();

}  // namespace

TEST_CASE("proxy: headers that are taken, and exactly to their end") {
  for (const auto& [header, source] : std::vector<std::pair<std::string, std::string>>{
           {"PROXY TCP4 10.1.2.3 10.0.0.1 12345 443\r\n", "10.1.2.3 12345"},
           {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255 65535"},
           {"PROXY TCP6 2001::1 ::1 1 2\r\n", "2001::1 1"},
           {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535"},
           {"PROXY UNKNOWN\r\n", ""},
           {"PROXY UNKNOWN whatever comes here\r\n", ""},
           {v2(0x21, 0x11, v4_addresses), "10.1.2.3 12345"},
           {v2(0x21, 0x11, v4_addresses + std::string(500, 't')), "10.1.2.3 12345"},
           {v2(0x21, 0x21, v6_addresses), "2001::1 256"},
           {v2(0x20, 0x00, ""), ""},
           {v2(0x20, 0x11, v4_addresses), ""},
           {v2(0x21, 0x31, std::string(216, 'u')), ""}}) {
    CAPTURE(header);
    std::size_t taken = 0;
    const auto parsed = take(header + "GET / HTTP/1.1\r\n", taken);
    REQUIRE(parsed);
    CHECK(parsed->complete);
    CHECK(taken == header.size());
    CHECK(parsed->has_source == !source.empty());
    if (parsed->has_source) CHECK(text_of(parsed->source) == source);
    for (std::size_t size = 0; size < header.size(); ++size) {
      const auto prefix = parse_proxy_header(std::string_view(header).substr(0, size));
      REQUIRE(prefix);
      CHECK_FALSE(prefix->complete);
      CHECK(size + prefix->wanted_bytes <= header.size());
    }
  }
}

TEST_CASE("proxy: headers that are refused") {
  for (const auto& [header, code] : std::vector<std::pair<std::string, Errc>>{
           {"GET / HTTP/1.1\r\n", Errc::malformed},
           {"PROXZ", Errc::malformed},
           {"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", Errc::malformed},
           {"PROXY \r\n", Errc::malformed},
           {"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", Errc::malformed},
           {"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", Errc::malformed},
           {"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", Errc::malformed},
           {"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", Errc::malformed},
           {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", Errc::malformed},
           {"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", Errc::malformed},
           {"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", Errc::malformed},
           {"PROXY TCP4 ::1 ::1 1 2\r\n", Errc::malformed},
           {"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", Errc::malformed},
           {"PROXY TCP4 1.2.3.4 x 1 2\r\n", Errc::malformed},
           {"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n" + std::string(100, ' '), Errc::too_large},
           {"PROXY " + std::string(101, 'x') + "\r\n", Errc::too_large},
           {v2(0x11, 0x11, v4_addresses), Errc::malformed},
           {v2(0x22, 0x11, v4_addresses), Errc::malformed},
           {v2(0x21, 0x11, v4_addresses.substr(1)), Errc::malformed},
           {v2(0x21, 0x21, v6_addresses.substr(1)), Errc::malformed},
           {v2(0x21, 0x11, std::string(1100, 'x')), Errc::too_large}}) {
    CAPTURE(header);
    std::size_t taken = 0;
    const auto parsed = take(header, taken);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == code);
  }
}

namespace {

sockaddr_storage address_of(const char* text) {
  sockaddr_storage address{};
  auto& in = reinterpret_cast<sockaddr_in&>(address);
  auto& in6 = reinterpret_cast<sockaddr_in6&>(address);
  if (::inet_pton(AF_INET, text, &in.sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else if (::inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
    address.ss_family = AF_INET6;
  } else {
    address.ss_family = AF_UNIX;
  }
  return address;
}

}  // namespace

TEST_CASE("networks: what they contain") {
  for (const auto& [network, inside, outside] :
       std::vector<std::tuple<const char*, const char*, const char*>>{
           {"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
           {"10.1.2.3", "10.1.2.3", "10.1.2.2"},
           {"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
           {"0.0.0.0/0", "255.1.1.1", "::1"},
           {"10.0.0.0/8", "::ffff:10.2.3.4", "::10.2.3.4"},
           {"fd00::/8", "fdff::1", "fe00::1"},
           {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
           {"::1", "::1", "::2"},
           {"::/0", "1.2.3.4", "a socket without address"}}) {
    CAPTURE(network);
    TrustedNetworks networks;
    REQUIRE(networks.add(network));
    CHECK(networks.contains(address_of(inside)));
    CHECK_FALSE(networks.contains(address_of(outside)));
  }
}

TEST_CASE("networks: none of these is one") {
  TrustedNetworks networks;
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8",
                           "::1/129", "::1/1 ", "host/8", "10.0.0.0/8/8", "10.0.0.0/0008888"}) {
    CAPTURE(text);
    CHECK_FALSE(networks.add(text));
  }
  CHECK(networks.networks.empty());
  CHECK_FALSE(networks.contains(address_of("10.0.0.1")));
}
