// See client_connection.h. An exchange of small messages makes one send and takes one receive,
// whose bytes are looked at where the kernel put them.
#include "bench/load/client_connection.h"

#include "bench/load/endpoints.h"
#include "bench/load/limits.h"
#include "bench/load/recorder.h"
#include "engine/operation.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace millrace::bench {

using engine::Result;
using engine::Shard;
using engine::Task;

namespace {

constexpr std::uint64_t connect_ms_max = 5000;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

engine::Descriptor open_socket(const Endpoint& endpoint) {
  engine::Descriptor socket(
      ::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (socket) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

int pending_error(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace

void ClientConnection::begin() {
  requests_ = 0;
  bytes_sent_ = 0;
  bytes_received_ = 0;
  failure_.clear();
}

Task<bool> ClientConnection::connect(unsigned endpoint) {
  const Endpoint& to = site_.settings.endpoints[endpoint];
  engine::Descriptor socket = open_socket(to);
  int error = socket ? 0 : errno;
  if (socket) {
    const int fd = socket.get();
    stream_.emplace(std::move(socket));
    stream_->arm_deadline(std::min(connect_ms_max, site_.settings.timeout_ms));
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.address), to.address_bytes) != 0) {
      error = errno;
    }
    if (error == EINPROGRESS) {
      connecting_ = true;
      co_await engine::Operation({.action = engine::Action::poll, .fd = fd, .flags = POLLOUT});
      connecting_ = false;
      error = stream_->timed_out() ? ETIMEDOUT : pending_error(fd);
    }
    stream_->disarm_deadline();
    if (error != 0) co_await disconnect();
  }
  if (error != 0) {
    unreached_ = fmt::format("connect: {}", engine::describe(engine::Error::from_errno(error)));
    co_return false;
  }
  co_return true;
}

Task<bool> ClientConnection::reach() {
  const std::uint64_t now_ns = Shard::current().now_ns();
  if (stream_ && (stream_->ended() || (endpoint_ != home_ && site_.choice.usable(home_, now_ns)))) {
    co_await disconnect();
    ++site_.recorder.results().reconnects;
  }
  while (!stream_) {
    const auto chosen = site_.choice.choose(home_, now_ns);
    if (!chosen) {
      failure_ = unreached_.empty() ? "connect: no endpoint can be reached" : unreached_;
      co_return false;
    }
    endpoint_ = *chosen;
    if (co_await connect(endpoint_)) {
      site_.choice.reached(endpoint_);
      ++site_.recorder.endpoint(endpoint_).connects;
      break;
    }
    ++site_.recorder.endpoint(endpoint_).connect_failures;
    if (site_.choice.failed(endpoint_, Shard::current().now_ns())) {
      ++site_.recorder.endpoint(endpoint_).left_out;
    }
  }
  co_return true;
}

Task<void> ClientConnection::disconnect() {
  if (!stream_) co_return;
  stream_->shut_down();
  co_await stream_->close();
  stream_.reset();
}

void ClientConnection::abort() {
  if (stream_) stream_->shut_down();
}

bool ClientConnection::lost(const engine::Error* error) {
  if (stream_->timed_out()) {
    failure_ = "timeout";
    if (site_.choice.failed(endpoint_, Shard::current().now_ns())) {
      ++site_.recorder.endpoint(endpoint_).left_out;
    }
  } else {
    failure_ = fmt::format("connection lost: {}",
                           error == nullptr ? "closed by the server" : engine::describe(*error));
  }
  return false;
}

bool ClientConnection::malformed() {
  failure_ = "malformed answer";
  return false;
}

Task<bool> ClientConnection::exchange(std::string_view head, const Upload* upload, Wish wish) {
  ++requests_;
  keeps_etag_ = wish.keeps_etag;
  body_.clear();
  stream_->arm_deadline(site_.settings.timeout_ms);
  const Result<> sent = co_await send_request(head, upload);
  // Who refuses an upload may answer before it is over, and close.
  bool good = co_await read_head();
  while (good && answer_.status < 200) good = co_await read_head();
  if (!good && !sent && !stream_->timed_out()) lost(&sent.error());
  if (good) {
    const Framing framing = framing_of(answer_, wish.head_request);
    if (answer_.status != wish.status) {
      wish.keeps_body = true;
      wish.check = nullptr;
    }
    if (framing != Framing::none) good = co_await read_body(framing, wish);
    if (framing == Framing::until_close) answer_.close = true;
  }
  stream_->disarm_deadline();
  if (!good || !sent || answer_.close) co_await disconnect();
  co_return good;
}

Task<Result<>> ClientConnection::send_request(std::string_view head, const Upload* upload) {
  std::uint64_t done = 0;
  const bool joined = upload != nullptr && upload->bytes <= limits::joined_body_bytes_max;
  if (upload != nullptr) {
    if (head.data() != out_.data()) out_.assign(head);
    // Small bodies go with the head; of large ones the stamp, so that the rest lies together.
    const std::uint64_t front = joined                                  ? upload->bytes
                                : upload->offset < Content::stamp_bytes ? Content::stamp_bytes
                                                                        : 0;
    const std::size_t at = out_.size();
    out_.resize(at + front);
    site_.content.copy(upload->name, upload->offset,
                       std::as_writable_bytes(std::span(out_)).subspan(at));
    head = out_;
    done = front;
    bytes_sent_ += upload->bytes;
  }
  const bool more = upload != nullptr && done < upload->bytes;
  const auto put = Shard::current().ring().send_now(stream_->fd(), bytes_of(head), more);
  if (put == static_cast<std::int64_t>(head.size()) && !more) co_return Result<>{};
  if (put < 0 && put != -EAGAIN && put != -EINTR) {
    co_return std::unexpected(engine::Error::from_result(static_cast<int>(put)));
  }
  const auto gone = static_cast<std::size_t>(std::max<std::int64_t>(put, 0));
  co_return co_await send_rest(bytes_of(head).subspan(gone), upload, done);
}

Task<Result<>> ClientConnection::send_rest(std::span<const std::byte> rest, const Upload* upload,
                                           std::uint64_t done) {
  const std::uint64_t bytes = upload == nullptr ? 0 : upload->bytes;
  if (!rest.empty()) {
    const auto sent = co_await stream_->send(rest, done < bytes);
    if (!sent) co_return sent;
  }
  while (done < bytes) {
    const auto piece = site_.content.piece(upload->name, upload->offset + done, bytes - done);
    done += piece.size();
    const auto sent = co_await stream_->send(piece, done < bytes);
    if (!sent) co_return sent;
  }
  co_return Result<>{};
}

// False when the answer is malformed. Consumes no more than the head.
bool ClientConnection::take_head(std::string_view text, bool& complete) {
  const bool split = !partial_head_.empty();
  const std::size_t before = partial_head_.size();
  if (split) partial_head_ += text;
  const HeadState state = parse_response_head(split ? partial_head_ : text, answer_);
  if (state == HeadState::malformed) return false;
  complete = state == HeadState::complete;
  if (complete) {
    if (keeps_etag_) etag_.assign(answer_.etag);
    answer_.etag = {};
    stream_->consume(answer_.bytes - before);
    partial_head_.clear();
    return true;
  }
  if (!split) partial_head_ = text;
  stream_->consume(text.size());
  return partial_head_.size() <= limits::response_head_bytes_max;
}

Task<bool> ClientConnection::read_head() {
  partial_head_.clear();
  while (true) {
    if (const auto ready = stream_->available(); !ready.empty()) {
      bool complete = false;
      if (!take_head(text_of(ready), complete)) co_return malformed();
      if (complete) co_return true;
      continue;
    }
    const auto more = co_await stream_->readable();
    if (!more) co_return lost(&more.error());
    if (!*more) co_return lost(nullptr);
  }
}

void ClientConnection::take_body(std::span<const std::byte> bytes, bool keep, ContentCheck* check) {
  bytes_received_ += bytes.size();
  if (check != nullptr) check->take(bytes);
  if (keep && body_.size() < limits::kept_body_bytes_max) {
    body_ +=
        text_of(bytes.first(std::min(bytes.size(), limits::kept_body_bytes_max - body_.size())));
  }
}

Task<bool> ClientConnection::read_body(Framing framing, Wish wish) {
  switch (framing) {
    case Framing::length:
      co_return co_await read_length(*answer_.content_length, wish.keeps_body, wish.check);
    case Framing::chunked: co_return co_await read_chunks(wish.keeps_body);
    case Framing::until_close:
    case Framing::none: break;
  }
  while (true) {
    if (const auto ready = stream_->available(); !ready.empty()) {
      take_body(ready, wish.keeps_body, wish.check);
      stream_->consume(ready.size());
      continue;
    }
    const auto more = co_await stream_->readable();
    if (!more) co_return lost(&more.error());
    if (!*more) co_return true;
  }
}

// From the socket into one buffer, again and again: the kernel's copy is the only one.
Task<bool> ClientConnection::read_directly(std::uint64_t& left, bool keep, ContentCheck* check) {
  engine::Buffer own;  // what is checked must not be overwritten by another connection
  if (check != nullptr || keep) own = co_await Shard::current().body_buffers().acquire();
  const std::span<std::byte> buffer = own ? own.bytes() : site_.discard;
  while (left > 0) {
    const auto into =
        buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size())));
    const auto got = co_await stream_->read(into);
    if (!got) co_return lost(&got.error());
    take_body(into.first(*got), keep, check);
    left -= *got;
    if (*got < into.size()) co_return lost(nullptr);
    stream_->arm_deadline(site_.settings.timeout_ms);
  }
  co_return true;
}

Task<bool> ClientConnection::read_length(std::uint64_t left, bool keep, ContentCheck* check) {
  constexpr std::uint64_t direct_bytes_min = 65'536;
  while (left > 0) {
    if (const auto ready = stream_->available(); !ready.empty()) {
      const auto piece =
          ready.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, ready.size())));
      take_body(piece, keep, check);
      stream_->consume(piece.size());
      left -= piece.size();
      continue;
    }
    if (left >= direct_bytes_min) co_return co_await read_directly(left, keep, check);
    const auto more = co_await stream_->readable();
    if (!more) co_return lost(&more.error());
    if (!*more) co_return lost(nullptr);
  }
  co_return true;
}

Task<bool> ClientConnection::read_chunks(bool keep) {
  ChunkReader reader;
  while (!reader.ended()) {
    const auto ready = stream_->available();
    if (ready.empty()) {
      const auto more = co_await stream_->readable();
      if (!more) co_return lost(&more.error());
      if (!*more) co_return lost(nullptr);
      stream_->arm_deadline(site_.settings.timeout_ms);
      continue;
    }
    const auto step = reader.take(text_of(ready));
    if (reader.malformed()) co_return malformed();
    take_body(bytes_of(step.content), keep, nullptr);
    stream_->consume(step.consumed);
  }
  co_return true;
}

}  // namespace millrace::bench
