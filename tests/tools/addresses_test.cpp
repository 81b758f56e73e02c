// Listen addresses and trusted networks as operators write them.
#include "tools/addresses.h"

#include "tools/ports.h"

#include "engine/descriptor.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

namespace {

using namespace millrace::tools;

sockaddr_storage peer(const char* text) {
  sockaddr_storage storage = {};
  auto& four = reinterpret_cast<sockaddr_in&>(storage);
  auto& six = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
  } else {
    REQUIRE(::inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
    six.sin6_family = AF_INET6;
  }
  return storage;
}

ListenAddress address(const char* text) {
  auto parsed = parse_listen_address(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

TEST_CASE("all forms of a listen address") {
  CHECK(address("9000").text() == "*:9000");
  CHECK(address(":9000").text() == "*:9000");
  CHECK(address("*:9000").text() == "*:9000");
  CHECK(address("0.0.0.0:1").text() == "0.0.0.0:1");
  CHECK(address("[::]:65535").text() == "[::]:65535");
  CHECK(address("[2001:db8::1]:80").text() == "[2001:db8::1]:80");
  CHECK(address("[fe80::1%3]:80").scope == 3);
  CHECK(address("[fe80::1%lo]:80").scope != 0);
}

TEST_CASE("what is no listen address") {
  for (const char* text : {"",
                           ":",
                           "0",
                           ":0",
                           "65536",
                           "10.0.0.1",
                           "10.0.0.1:",
                           "10.0.0.256:80",
                           "localhost:80",
                           "::1:80",
                           "::1",
                           "[::1]",
                           "[::1]80",
                           "[::1",
                           "[10.0.0.1]:80",
                           "[fe80::1%nothere0]:80",
                           "10.0.0.1:80 ",
                           "10.0.0.1:+80",
                           "*:*",
                           "http://10.0.0.1:80"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_listen_address(text).has_value());
  }
}

TEST_CASE("overlap: one port, and an address within the other") {
  CHECK(overlap(address("80"), address("127.0.0.1:80")));
  CHECK(overlap(address("[::1]:80"), address("80")));
  CHECK(overlap(address("0.0.0.0:80"), address("127.0.0.1:80")));
  CHECK(overlap(address("127.0.0.1:80"), address("127.0.0.1:80")));
  CHECK_FALSE(overlap(address("0.0.0.0:80"), address("[::]:80")));
  CHECK_FALSE(overlap(address("127.0.0.1:80"), address("127.0.0.2:80")));
  CHECK_FALSE(overlap(address("80"), address("81")));
}

TEST_CASE("every interface is one dual-stack socket, or IPv4 where there is nothing else") {
  const SocketAddress dual = socket_address(address("9000"), true);
  CHECK(dual.family() == AF_INET6);
  CHECK_FALSE(dual.ipv6_only);
  const SocketAddress four = socket_address(address("9000"), false);
  CHECK(four.family() == AF_INET);
  CHECK(reinterpret_cast<const sockaddr_in&>(four.address).sin_port == htons(9000));
  CHECK(socket_address(address("[::]:9000"), true).ipv6_only);
}

TEST_CASE("networks hold their peers, and IPv4 peers of a dual-stack socket") {
  const auto ten = parse_network("10.0.0.0/8");
  REQUIRE(ten.has_value());
  CHECK(ten->contains(peer("10.255.0.1")));
  CHECK(ten->contains(peer("::ffff:10.1.2.3")));
  CHECK_FALSE(ten->contains(peer("11.0.0.1")));
  CHECK_FALSE(ten->contains(peer("a00::1")));
  const auto odd = parse_network("192.168.16.0/20");
  REQUIRE(odd.has_value());
  CHECK(odd->contains(peer("192.168.31.255")));
  CHECK_FALSE(odd->contains(peer("192.168.32.0")));
  CHECK(parse_network("2001:db8::/33")->contains(peer("2001:db8:7fff::1")));
  CHECK_FALSE(parse_network("2001:db8::/33")->contains(peer("2001:db8:8000::1")));
  CHECK(parse_network("127.0.0.1")->text() == "127.0.0.1/32");
  CHECK(parse_network("0.0.0.0/0")->contains(peer("8.8.8.8")));
  CHECK_FALSE(parse_network("0.0.0.0/0")->contains(peer("2001:db8::1")));
  CHECK_FALSE(ten->contains(sockaddr_storage{}));
}

TEST_CASE("what is no network") {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.1/8", "::/129", "10.0.0.0/", "10/8", "x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_network(text).has_value());
  }
}

TEST_CASE("endpoints of a wildcard name the interfaces, and never the wildcard") {
  const auto all = endpoints(address("0.0.0.0:9000"), false);
  REQUIRE_FALSE(all.empty());
  CHECK(all.back() == "http://127.0.0.1:9000");
  for (const std::string& endpoint : all) CHECK(endpoint.find("0.0.0.0") == std::string::npos);
  CHECK(endpoints(address("10.9.8.7:80"), false) == std::vector<std::string>{"http://10.9.8.7:80"});
  CHECK(endpoints(address("10.9.8.7:80"), true) == std::vector<std::string>{"https://10.9.8.7:80"});
  CHECK(endpoints(address("0.0.0.0:9000"), true).back() == "https://127.0.0.1:9000");
}

TEST_CASE("a port that another socket listens on is refused, and the process named") {
  const millrace::engine::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  // As the server's own listeners, which would let a second server bind beside them.
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
  sockaddr_storage storage = peer("127.0.0.1");
  socklen_t length = sizeof(sockaddr_in);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) == 0);
  REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length) == 0);
  ListenAddress taken = address("127.0.0.1:1");
  taken.port = ntohs(reinterpret_cast<sockaddr_in&>(storage).sin_port);

  REQUIRE(::listen(socket.get(), 1) == 0);
  const auto refused = check_port_free(taken, "listen");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why.find(std::to_string(::getpid())) != std::string::npos);
  ListenAddress everywhere;
  everywhere.port = taken.port;
  CHECK_FALSE(check_port_free(everywhere, "listen").has_value());

  CHECK(check_port_free(address("203.0.113.77:9000"), "listen").error().why.find("no interface") !=
        std::string::npos);
}
