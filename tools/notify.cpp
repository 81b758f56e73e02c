// One datagram to the service manager's socket. Main thread.
#include "tools/notify.h"

#include "engine/descriptor.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace millrace::tools {

bool notify_service_manager(const char* notify_socket, std::string_view state) {
  const std::string_view name = notify_socket == nullptr ? "" : notify_socket;
  if (name.empty()) return true;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (name.size() >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@')) return false;
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';  // unix(7): an abstract name, counted by length
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const engine::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  return ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address),
                  length) == static_cast<ssize_t>(state.size());
}

}  // namespace millrace::tools
