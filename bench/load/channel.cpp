// See channel.h. A frame is a line "LENGTH PROOF" and as many bytes.
#include "bench/load/channel.h"

#include "bench/load/limits.h"
#include "engine/clock.h"
#include "engine/error.h"
#include "s3/digest/encoding.h"
#include "tools/setting_values.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace millrace::bench {
namespace {

constexpr std::string_view greeting = "millrace-bench 1 ";
constexpr std::size_t nonce_chars = 32;
constexpr std::uint64_t greeting_ms = 5000;
constexpr std::size_t line_bytes_max = 128;
constexpr std::size_t read_bytes = 65'536;

std::uint64_t now_ms() {
  return engine::monotonic_ns() / 1'000'000;
}

std::unexpected<std::string> failed(int errnum) {
  return std::unexpected(std::string(engine::describe(engine::Error::from_errno(errnum))));
}

std::string hex_text(std::span<const std::uint8_t> bytes) {
  std::string text(bytes.size() * 2, '\0');
  s3::hex_encode(bytes, text);
  return text;
}

std::string make_nonce() {
  std::array<std::uint8_t, nonce_chars / 2> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  return hex_text(bytes);
}

}  // namespace

bool is_loopback(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
  return address.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
}

std::expected<Channel, std::string> Channel::connect(const std::string& host,
                                                     const std::string& port,
                                                     std::string_view token) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int status = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); status != 0) {
    return std::unexpected(std::string(::gai_strerror(status)));
  }
  engine::Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int connected = socket ? ::connect(socket.get(), found->ai_addr, found->ai_addrlen) : -1;
  const int errnum = errno;
  ::freeaddrinfo(found);
  if (connected != 0) return failed(errnum);
  Channel channel(std::move(socket), Side::coordinator);
  if (const auto greeted = channel.greet(token); !greeted) return std::unexpected(greeted.error());
  return channel;
}

std::expected<Channel, std::string> Channel::accepted(engine::Descriptor socket,
                                                      std::string_view token) {
  Channel channel(std::move(socket), Side::agent);
  if (const auto greeted = channel.greet(token); !greeted) return std::unexpected(greeted.error());
  return channel;
}

std::expected<void, std::string> Channel::greet(std::string_view token) {
  const std::string own = make_nonce();
  if (own.empty()) return std::unexpected("no random numbers");
  if (const auto sent = send_all(fmt::format("{}{}\n", greeting, own)); !sent) return sent;
  const auto line = receive_line(now_ms() + greeting_ms);
  if (!line) return std::unexpected(line.error());
  if (!line->starts_with(greeting) || line->size() != greeting.size() + nonce_chars) {
    return std::unexpected("the other side does not speak as millrace-bench of this version");
  }
  const std::string other = line->substr(greeting.size());
  const bool coordinates = side_ == Side::coordinator;
  key_ = s3::hmac_sha256(token, (coordinates ? own : other) + (coordinates ? other : own));
  return {};
}

std::string Channel::proof(Side from, std::uint64_t number, std::string_view body) const {
  const std::string front = fmt::format("{} {} ", static_cast<char>(from), number);
  return hex_text(s3::hmac_sha256(key_, {front, body}));
}

std::expected<void, std::string> Channel::send_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed(errno);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

std::expected<void, std::string> Channel::send(std::string_view body) {
  const std::string line = fmt::format("{} {}\n", body.size(), proof(side_, sent_++, body));
  if (const auto sent = send_all(line); !sent) return sent;
  return send_all(body);
}

// Until so many bytes are unread.
std::expected<void, std::string> Channel::fill(std::size_t bytes, std::uint64_t deadline_ms) {
  while (unread_.size() < bytes) {
    const std::uint64_t now = now_ms();
    if (now >= deadline_ms) return std::unexpected("no answer in time");
    pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    const int wait = static_cast<int>(std::min<std::uint64_t>(deadline_ms - now, 3'600'000));
    const int polled = ::poll(&ready, 1, wait);
    if (polled < 0) return failed(errno);  // EINTR: the user wants an end
    if (polled == 0) continue;
    const std::size_t before = unread_.size();
    unread_.resize(before + read_bytes);
    const ssize_t got = ::recv(socket_.get(), unread_.data() + before, read_bytes, 0);
    const int errnum = errno;
    unread_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return std::unexpected("the other side has closed the connection");
    if (got < 0 && errnum != EINTR) return failed(errnum);
  }
  return {};
}

std::expected<std::string, std::string> Channel::receive_line(std::uint64_t deadline_ms) {
  std::size_t end = unread_.find('\n');
  while (end == std::string::npos) {
    if (unread_.size() > line_bytes_max) return std::unexpected("an overlong line");
    if (const auto filled = fill(unread_.size() + 1, deadline_ms); !filled) {
      return std::unexpected(filled.error());
    }
    end = unread_.find('\n');
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

std::expected<std::string, std::string> Channel::receive(std::uint64_t timeout_ms) {
  const std::uint64_t deadline_ms = now_ms() + timeout_ms;
  const auto line = receive_line(deadline_ms);
  if (!line) return line;
  const std::size_t space = line->find(' ');
  const auto length = tools::parse_whole_number(std::string_view(*line).substr(0, space), 0,
                                                limits::frame_bytes_max);
  if (space == std::string::npos || !length) return std::unexpected("a frame that is none");
  if (const auto filled = fill(*length, deadline_ms); !filled) {
    return std::unexpected(filled.error());
  }
  std::string body = unread_.substr(0, *length);
  unread_.erase(0, *length);
  const Side other = side_ == Side::agent ? Side::coordinator : Side::agent;
  if (!s3::constant_time_equal(std::string_view(*line).substr(space + 1),
                               proof(other, received_++, body))) {
    return std::unexpected("the other side has another --token");
  }
  return body;
}

bool Channel::ended() const {
  char byte = 0;
  const ssize_t got = ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

}  // namespace millrace::bench
