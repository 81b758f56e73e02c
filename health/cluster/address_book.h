// Where a container's others can be reached: what their beats say, what others tell, and the one
// address that answered, which is stuck to while it does. Pure; the peers' thread, under its lock.
#pragma once

#include "health/cluster/gossip.h"

#include <sys/socket.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::health::cluster {

// A URL as "http://10.0.0.1:9001" or "http://[::1]:9001"; nothing where it is no address.
PeerAddress address_of_endpoint(std::string_view url);
PeerAddress address_of_socket(const sockaddr_storage& address);
// Its length in bytes with it.
std::pair<sockaddr_storage, socklen_t> socket_address_of(const PeerAddress& address);
bool is_loopback(const PeerAddress& address);

class AddressBook {
 public:
  // Of its beat, instead of what an earlier one said. True where there is any.
  bool set_endpoints(PeerId id, const std::vector<std::string>& urls);
  // Of another container; counts for less.
  bool add_told(PeerId id, const PeerAddress& address);
  // It answered from there.
  void confirm(PeerId id, const PeerAddress& source);
  // For the attempt of that number, from 0, of one probe.
  PeerAddress choose(PeerId id, unsigned attempt);
  // Whether choose() has any.
  bool knows(PeerId id) const;
  // Where it was last heard from; none, where it does not answer any more.
  PeerAddress confirmed(PeerId id) const;

 private:
  struct Entry {
    std::vector<std::string> urls;
    std::vector<PeerAddress> candidates;
    PeerAddress told;
    PeerAddress confirmed;
    std::size_t next = 0;
  };
  std::map<PeerId, Entry> entries_;
};

}  // namespace millrace::health::cluster
