// Addresses of other containers: how they are read, and which one is tried when.
#include "health/cluster/address_book.h"

#include <doctest/doctest.h>

#include <set>

using namespace millrace::health::cluster;

TEST_CASE("addresses: endpoints as beats have them") {
  const PeerAddress four = address_of_endpoint("http://10.0.0.1:9001");
  CHECK(four.family == 4);
  CHECK(four.port == 9001);
  CHECK(four.bytes[0] == 10);
  CHECK(address_of_endpoint("https://[::1]:9001").family == 6);
  CHECK(is_loopback(address_of_endpoint("http://[::1]:9001")));
  CHECK(is_loopback(address_of_endpoint("http://127.0.0.2:9001")));
  CHECK_FALSE(is_loopback(four));
  for (const char* wrong : {"", "http://", "http://10.0.0.1", "http://10.0.0.1:", "http://a.b:9001",
                            "http://10.0.0.1:0", "http://10.0.0.1:99999", "http://10.0.0.1:1x",
                            "http://::1:9001", "http://[10.0.0.1]:9001", "http://[fe80::1%x]:1"}) {
    CAPTURE(wrong);
    CHECK_FALSE(address_of_endpoint(wrong).known());
  }
  for (const PeerAddress& each : {four, address_of_endpoint("http://[2001:db8::7]:1")}) {
    CHECK(address_of_socket(socket_address_of(each).first) == each);
  }
}

TEST_CASE("addresses: all are tried until one answers, which is stuck to while it does") {
  AddressBook book;
  CHECK_FALSE(book.choose(1, 0).known());
  CHECK_FALSE(book.set_endpoints(1, {"http://name:9001"}));
  CHECK_FALSE(book.knows(1));
  CHECK(book.set_endpoints(1, {"http://10.0.0.1:9001", "http://[2001:db8::7]:9001"}));
  const PeerAddress told = address_of_endpoint("http://10.0.0.3:9001");
  CHECK_FALSE(book.add_told(1, {}));
  CHECK(book.add_told(1, told));
  CHECK(book.knows(1));
  std::set<std::uint8_t> tried;
  for (unsigned attempt = 0; attempt < 3; ++attempt) {
    const PeerAddress address = book.choose(1, attempt);
    tried.insert(address.family == 6 ? 6 : address.bytes[3]);
  }
  CHECK(tried == std::set<std::uint8_t>{1, 3, 6});
  const PeerAddress answered = address_of_endpoint("http://10.0.0.9:9001");
  book.confirm(1, answered);
  for (int probes = 0; probes < 5; ++probes) CHECK(book.choose(1, 0) == answered);
  book.confirm(1, told);  // by another way; the first works
  CHECK(book.confirmed(1) == answered);
  // It does not answer twice: the others, too, from here on.
  CHECK(book.choose(1, 1) == answered);
  bool other = false;
  bool again = false;
  for (unsigned attempt = 2; attempt < 6; ++attempt) {
    const PeerAddress address = book.choose(1, attempt);
    other |= address != answered;
    again |= address == answered;
  }
  CHECK(other);
  CHECK(again);
  CHECK_FALSE(book.confirmed(1).known());
  book.confirm(1, told);
  CHECK(book.choose(1, 0) == told);
}
