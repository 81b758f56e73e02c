// Between a coordinator and an agent: texts over TCP, each proved by HMAC-SHA256 with a key made of
// the shared token and both sides' nonces, so that nothing of another session or direction is
// taken. Not encrypted: nothing secret goes over it. Blocking; one thread.
#pragma once

#include "engine/descriptor.h"
#include "s3/digest/hash.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace millrace::bench {

class Channel {
 public:
  // Errors are one line.
  static std::expected<Channel, std::string> connect(const std::string& host,
                                                     const std::string& port,
                                                     std::string_view token);
  // The agent's side of a connection that was accepted.
  static std::expected<Channel, std::string> accepted(engine::Descriptor socket,
                                                      std::string_view token);

  std::expected<void, std::string> send(std::string_view body);
  std::expected<std::string, std::string> receive(std::uint64_t timeout_ms);
  // Whether the other side has gone.
  bool ended() const;

 private:
  enum class Side : char { coordinator = 'c', agent = 'a' };
  Channel(engine::Descriptor socket, Side side) : socket_(std::move(socket)), side_(side) {}

  std::expected<void, std::string> greet(std::string_view token);
  std::string proof(Side from, std::uint64_t number, std::string_view body) const;
  std::expected<void, std::string> send_all(std::string_view text);
  std::expected<void, std::string> fill(std::size_t bytes, std::uint64_t deadline_ms);
  std::expected<std::string, std::string> receive_line(std::uint64_t deadline_ms);

  engine::Descriptor socket_;
  Side side_;
  s3::Sha256::Digest key_{};
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::string unread_;
};

// Whether a socket's own address can be reached from this host only.
bool is_loopback(int socket);

}  // namespace millrace::bench
