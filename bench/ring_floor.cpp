// The floor of a request on one ring: multishot receive into provided buffers, look for the blank
// line, send a constant answer of 4 KiB. No parsing, no file, no timers, no errors told: what a
// server with a ring cannot go below. Standalone.
// Usage: ring-floor PORT BODY_BYTES; listens on 127.0.0.1 until it is told to end (SIGTERM).
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr unsigned ring_entries = 4096;
constexpr unsigned buffer_count = 1024;  // a power of two
constexpr unsigned buffer_bytes = 4096;
constexpr int buffer_group = 0;
constexpr std::uint64_t accepting = UINT64_MAX;  // user data; otherwise the socket

[[noreturn]] void die(const char* call) {
  std::perror(call);
  std::exit(1);
}

class Floor {
 public:
  Floor(int listener, std::size_t body_bytes) : listener_(listener) {
    answer_ = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n";
    answer_.append(body_bytes, 'x');
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init_params(ring_entries, &ring_, &parameters) < 0) die("io_uring_setup");
    void* entries = ::mmap(nullptr, buffer_count * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                           MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (entries == MAP_FAILED) die("mmap");
    buffers_ = static_cast<io_uring_buf_ring*>(entries);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(entries);
    registration.ring_entries = buffer_count;
    registration.bgid = buffer_group;
    if (io_uring_register_buf_ring(&ring_, &registration, 0) < 0) die("io_uring_register");
    io_uring_buf_ring_init(buffers_);
    memory_.resize(std::size_t{buffer_count} * buffer_bytes);
    for (unsigned i = 0; i < buffer_count; ++i) add_buffer(i, i);
    io_uring_buf_ring_advance(buffers_, buffer_count);
  }

  void run() {
    accept_more();
    for (;;) {
      if (io_uring_submit_and_wait(&ring_, 1) < 0) continue;
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_cqe* completion = nullptr;
      io_uring_for_each_cqe(&ring_, head, completion) {
        ++seen;
        if (completion->user_data == accepting) {
          on_accept(*completion);
        } else {
          on_bytes(*completion);
        }
      }
      io_uring_cq_advance(&ring_, seen);
    }
  }

 private:
  void add_buffer(unsigned index, unsigned offset) {
    io_uring_buf_ring_add(buffers_, memory_.data() + std::size_t{index} * buffer_bytes,
                          buffer_bytes, static_cast<unsigned short>(index),
                          io_uring_buf_ring_mask(buffer_count), static_cast<int>(offset));
  }

  io_uring_sqe& entry() {
    io_uring_sqe* got = io_uring_get_sqe(&ring_);
    if (got == nullptr) {
      io_uring_submit(&ring_);
      got = io_uring_get_sqe(&ring_);
    }
    if (got == nullptr) die("io_uring_get_sqe");
    return *got;
  }

  void accept_more() {
    io_uring_sqe& sqe = entry();
    io_uring_prep_multishot_accept(&sqe, listener_, nullptr, nullptr, 0);
    sqe.user_data = accepting;
  }

  void receive_more(int socket) {
    io_uring_sqe& sqe = entry();
    io_uring_prep_recv_multishot(&sqe, socket, nullptr, 0, 0);
    sqe.flags |= IOSQE_BUFFER_SELECT;
    sqe.buf_group = buffer_group;
    sqe.user_data = static_cast<std::uint64_t>(socket);
  }

  void on_accept(const io_uring_cqe& completion) {
    if (completion.res >= 0) {
      const int one = 1;
      ::setsockopt(completion.res, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      receive_more(completion.res);
    }
    if ((completion.flags & IORING_CQE_F_MORE) == 0) accept_more();
  }

  void on_bytes(const io_uring_cqe& completion) {
    const int socket = static_cast<int>(completion.user_data);
    if (completion.res <= 0) {
      if (completion.res == -ENOBUFS) return receive_more(socket);
      ::close(socket);
      return;
    }
    const unsigned index = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    const std::string_view bytes(memory_.data() + std::size_t{index} * buffer_bytes,
                                 static_cast<std::size_t>(completion.res));
    const bool complete = bytes.ends_with("\r\n\r\n");
    add_buffer(index, 0);
    io_uring_buf_ring_advance(buffers_, 1);
    if (complete && ::send(socket, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) {
      ::close(socket);
      return;
    }
    if ((completion.flags & IORING_CQE_F_MORE) == 0) receive_more(socket);
  }

  const int listener_;
  std::string answer_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  std::vector<char> memory_;
};

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) die("bind");
  if (::listen(listener, 1024) < 0) die("listen");
  return listener;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: ring-floor PORT BODY_BYTES\n");
    return 2;
  }
  const int listener = listen_on(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  Floor(listener, static_cast<std::size_t>(std::atol(arguments[2]))).run();
}
