// Binds ports to see whether they are free, and finds who has one that isn't. Main thread, at
// start.
#include "tools/ports.h"

#include "engine/descriptor.h"
#include "engine/small_file.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace millrace::tools {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

// The inode of a listening socket with this port in /proc/net/tcp or tcp6 (proc(5): the second
// column ends in the port as four hexadecimal digits, the fourth is the state, 0A for LISTEN, the
// tenth the inode); empty when there is none.
std::string listening_inode(const char* table, std::uint16_t port) {
  const std::string suffix = fmt::format(":{:04X}", port);
  std::ifstream lines(table);  // may be long: connections that have ended are in it, too
  for (std::string line; std::getline(lines, line);) {
    const auto words = words_of(line);
    if (words.size() > 9 && words[1].ends_with(suffix) && words[3] == "0A") {
      return std::string(words[9]);
    }
  }
  return {};
}

bool holds_socket(const std::string& process, const std::string& link_text) {
  const std::string path = "/proc/" + process + "/fd";
  const Directory entries(::opendir(path.c_str()), &::closedir);
  if (entries == nullptr) return false;
  while (const dirent* entry = ::readdir(entries.get())) {
    char target[64];
    const ssize_t length = ::readlink((path + "/" + entry->d_name).c_str(), target, sizeof target);
    if (length > 0 && link_text == std::string_view(target, static_cast<std::size_t>(length))) {
      return true;
    }
  }
  return false;
}

// " (process 123, nginx)", or empty where it can't be seen (another user's process).
std::string holder_of(std::uint16_t port) {
  std::string inode = listening_inode("/proc/net/tcp", port);
  if (inode.empty()) inode = listening_inode("/proc/net/tcp6", port);
  const Directory processes(inode.empty() ? nullptr : ::opendir("/proc"), &::closedir);
  if (processes == nullptr) return {};
  const std::string link_text = "socket:[" + inode + "]";
  while (const dirent* entry = ::readdir(processes.get())) {
    const std::string name = entry->d_name;
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds_socket(name, link_text)) continue;
    std::string command = engine::small_file_text("/proc/" + name + "/comm");
    if (command.ends_with('\n')) command.pop_back();
    return fmt::format(" (process {}, {})", name, command);
  }
  return {};
}

}  // namespace

Allowed<> check_port_free(const ListenAddress& address, const std::string& setting) {
  const SocketAddress target = socket_address(address, host_has_ipv6());
  const std::string what = setting + " " + address.text();
  const engine::Descriptor socket(::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return refuse_errno(what, errno, "choose an address of another family");
  // With SO_REUSEADDR connections of a former server in TIME_WAIT don't count, listeners do.
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (target.family() == AF_INET6) {
    const int ipv6_only = target.ipv6_only ? 1 : 0;
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only, sizeof ipv6_only);
  }
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&target.address), target.length) ==
      0) {
    return {};
  }
  switch (const int errnum = errno; errnum) {
    case EADDRINUSE:
      return refuse(what, "the port is in use" + holder_of(address.port),
                    fmt::format("stop that process, or choose another port with --{}", setting));
    case EACCES:
      return refuse(what, "ports below 1024 need a privilege",
                    "choose a higher port, or grant CAP_NET_BIND_SERVICE");
    case EADDRNOTAVAIL:
      return refuse(what, "no interface of this host has that address",
                    "choose one of this host's addresses, or *");
    default: return refuse_errno(what, errnum, "choose another address");
  }
}

}  // namespace millrace::tools
