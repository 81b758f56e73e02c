// The seam over the kernel's io_uring. The only file, with op-level constants here, that
// includes liburing. Floor: Linux 6.1 (SINGLE_ISSUER, DEFER_TASKRUN, multishot receive).
#include "engine/ring.h"
#include "engine/check.h"
#include "engine/limits.h"
#include "engine/workers.h"

#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#include <array>
#include <bit>

namespace millrace::engine {

namespace {

constexpr std::uint16_t receive_group = 1;
constexpr std::size_t receive_area_bytes =
    limits::receive_buffer_bytes * limits::receive_buffer_count;

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ULL +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void* map_memory(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

struct Ring::State : Completion {
  State() : Completion(&State::on_wake) {}

  static void on_wake(Completion& self, Outcome outcome);
  void arm_wake();
  Result<void> add_receive_buffers();
  io_uring_sqe* next_entry();
  void dispatch();

  io_uring ring{};
  int wake_fd = -1;
  std::uint64_t wake_value = 0;
  io_uring_buf_ring* buffer_ring = nullptr;
  std::byte* buffers = nullptr;
  std::unique_ptr<Workers> workers;
  std::vector<Workers::Finished> finished;
};

void Ring::State::on_wake(Completion& self, Outcome) {
  auto& state = static_cast<State&>(self);
  state.arm_wake();
  state.workers->take_finished(state.finished);
  for (const auto& [completion, result] : state.finished) {
    completion->handler(*completion, {.result = result});
  }
}

void Ring::State::arm_wake() {
  io_uring_sqe* sqe = next_entry();
  io_uring_prep_read(sqe, wake_fd, &wake_value, sizeof wake_value, 0);
  sqe->user_data = std::bit_cast<std::uintptr_t>(static_cast<Completion*>(this));
}

io_uring_sqe* Ring::State::next_entry() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  while (sqe == nullptr) {  // full: hand over what is queued; this runs no completion
    io_uring_submit(&ring);
    sqe = io_uring_get_sqe(&ring);
  }
  return sqe;
}

Result<void> Ring::State::add_receive_buffers() {
  const std::size_t ring_bytes = limits::receive_buffer_count * sizeof(io_uring_buf);
  buffer_ring = static_cast<io_uring_buf_ring*>(map_memory(ring_bytes));
  buffers = static_cast<std::byte*>(map_memory(receive_area_bytes));
  if (buffer_ring == nullptr || buffers == nullptr) return fail_errno(ENOMEM);
  io_uring_buf_reg registration{};
  registration.ring_addr = std::bit_cast<std::uintptr_t>(buffer_ring);
  registration.ring_entries = limits::receive_buffer_count;
  registration.bgid = receive_group;
  const int result = io_uring_register_buf_ring(&ring, &registration, 0);
  if (result < 0) return std::unexpected(Error::from_result(result));
  io_uring_buf_ring_init(buffer_ring);
  for (unsigned id = 0; id < limits::receive_buffer_count; ++id) {
    io_uring_buf_ring_add(buffer_ring, buffers + id * limits::receive_buffer_bytes,
                          limits::receive_buffer_bytes, static_cast<std::uint16_t>(id),
                          limits::receive_buffer_count - 1, static_cast<int>(id));
  }
  io_uring_buf_ring_advance(buffer_ring, limits::receive_buffer_count);
  return {};
}

Ring::Ring(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Ring>> Ring::create(const RingOptions& options) {
  auto state = std::make_unique<State>();
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  params.cq_entries = limits::completion_entries;
  const int made = io_uring_queue_init_params(limits::submission_entries, &state->ring, &params);
  if (made < 0) return std::unexpected(Error::from_result(made));
  state->wake_fd = ::eventfd(0, EFD_CLOEXEC);
  auto ring = std::unique_ptr<Ring>(new Ring(std::move(state)));
  State& self = *ring->state_;
  if (self.wake_fd < 0) return fail_errno(errno);
  io_uring_register_ring_fd(&self.ring);
  std::array<unsigned, 2> workers{limits::ring_workers_bounded, limits::ring_workers_unbounded};
  io_uring_register_iowq_max_workers(&self.ring, workers.data());
  if (options.receive_buffers) {
    if (const auto added = self.add_receive_buffers(); !added)
      return std::unexpected(added.error());
  }
  self.workers = std::make_unique<Workers>(options.worker_threads, self.wake_fd);
  self.arm_wake();
  return ring;
}

Ring::~Ring() {
  state_->workers.reset();
  io_uring_queue_exit(&state_->ring);
  if (state_->buffers != nullptr) ::munmap(state_->buffers, receive_area_bytes);
  if (state_->buffer_ring != nullptr) {
    ::munmap(state_->buffer_ring, limits::receive_buffer_count * sizeof(io_uring_buf));
  }
  if (state_->wake_fd >= 0) ::close(state_->wake_fd);
}

namespace {

void prepare_socket(io_uring_sqe* sqe, const Request& r) {
  const auto flags = static_cast<int>(r.flags);
  switch (r.action) {
    case Action::accept_multishot:
      return io_uring_prep_multishot_accept(sqe, r.fd, nullptr, nullptr,
                                            SOCK_CLOEXEC | SOCK_NONBLOCK);
    case Action::receive_multishot:
      io_uring_prep_recv_multishot(sqe, r.fd, nullptr, 0, 0);
      sqe->flags |= IOSQE_BUFFER_SELECT;
      sqe->buf_group = receive_group;
      return;
    case Action::receive: return io_uring_prep_recv(sqe, r.fd, r.address, r.length, flags);
    case Action::poll: return io_uring_prep_poll_add(sqe, r.fd, r.flags);
    case Action::connect:
      return io_uring_prep_connect(sqe, r.fd, static_cast<sockaddr*>(r.address), r.length);
    default: CHECK(false);
  }
}

void prepare_file(io_uring_sqe* sqe, const Request& r) {
  const auto flags = static_cast<int>(r.flags);
  auto* text = static_cast<char*>(r.address);
  switch (r.action) {
    case Action::read:
      io_uring_prep_read(sqe, r.fd, r.address, r.length, r.offset);
      if (r.flags != 0) sqe->flags |= IOSQE_ASYNC;
      return;
    case Action::write: return io_uring_prep_write(sqe, r.fd, r.address, r.length, r.offset);
    case Action::fsync:
      return io_uring_prep_fsync(sqe, r.fd, r.flags != 0 ? IORING_FSYNC_DATASYNC : 0);
    case Action::allocate:
      return io_uring_prep_fallocate(sqe, r.fd, flags, static_cast<off_t>(r.offset),
                                     static_cast<off_t>(r.extra));
    case Action::open:
      return io_uring_prep_openat2(sqe, r.fd, r.path, static_cast<open_how*>(r.address));
    case Action::close:
      io_uring_prep_close(sqe, r.fd);
      if (r.flags != 0) sqe->flags |= IOSQE_ASYNC;
      return;
    case Action::stat:
      return io_uring_prep_statx(sqe, r.fd, r.path, flags, r.length,
                                 static_cast<struct statx*>(r.address));
    case Action::get_attribute: return io_uring_prep_fgetxattr(sqe, r.fd, r.path, text, r.length);
    case Action::set_attribute:
      return io_uring_prep_fsetxattr(sqe, r.fd, r.path, text, flags, r.length);
    case Action::link: return io_uring_prep_linkat(sqe, r.fd, r.path, r.fd2, r.path2, flags);
    case Action::rename: return io_uring_prep_renameat(sqe, r.fd, r.path, r.fd2, r.path2, r.flags);
    case Action::unlink: return io_uring_prep_unlinkat(sqe, r.fd, r.path, flags);
    case Action::make_directory: return io_uring_prep_mkdirat(sqe, r.fd, r.path, r.flags);
    default: return prepare_socket(sqe, r);
  }
}

void prepare(io_uring_sqe* sqe, const Request& r) {
  switch (r.action) {
    case Action::nop: return io_uring_prep_nop(sqe);
    case Action::cancel:
      return io_uring_prep_cancel64(sqe, std::bit_cast<std::uintptr_t>(r.address), 0);
    case Action::message:
      return io_uring_prep_msg_ring(sqe, r.fd, r.length, std::bit_cast<std::uintptr_t>(r.address),
                                    0);
    default: return prepare_file(sqe, r);
  }
}

}  // namespace

void Ring::submit(Completion& completion, const Request& request) {
  if (request.action == Action::call) {
    state_->workers->run(completion, request.call, request.address);
    return;
  }
  io_uring_sqe* sqe = state_->next_entry();
  prepare(sqe, request);
  sqe->user_data = std::bit_cast<std::uintptr_t>(&completion);
}

void Ring::State::dispatch() {
  struct Event {
    Completion* completion;
    Outcome outcome;
  };
  std::array<Event, limits::completions_per_turn> batch;
  unsigned count = 0;
  unsigned head = 0;
  io_uring_cqe* cqe = nullptr;
  io_uring_for_each_cqe(&ring, head, cqe) {
    if (count == batch.size()) break;
    const bool has_buffer = (cqe->flags & IORING_CQE_F_BUFFER) != 0;
    batch[count++] = {std::bit_cast<Completion*>(static_cast<std::uintptr_t>(cqe->user_data)),
                      {.result = cqe->res,
                       .more = (cqe->flags & IORING_CQE_F_MORE) != 0,
                       .has_buffer = has_buffer,
                       .buffer = static_cast<std::uint16_t>(
                           has_buffer ? cqe->flags >> IORING_CQE_BUFFER_SHIFT : 0)}};
  }
  io_uring_cq_advance(&ring, count);
  for (unsigned i = 0; i < count; ++i) {
    batch[i].completion->handler(*batch[i].completion, batch[i].outcome);
  }
}

void Ring::turn(std::uint64_t wait_ns, std::uint64_t& now_ns) {
  io_uring* ring = &state_->ring;
  if (wait_ns == 0 || io_uring_cq_ready(ring) > 0) {
    io_uring_submit_and_get_events(ring);
  } else {
    __kernel_timespec wait{.tv_sec = static_cast<long long>(wait_ns / 1'000'000'000ULL),
                           .tv_nsec = static_cast<long long>(wait_ns % 1'000'000'000ULL)};
    io_uring_cqe* first = nullptr;
    io_uring_submit_and_wait_timeout(ring, &first, 1, &wait, nullptr);
  }
  now_ns = monotonic_ns();
  state_->dispatch();
}

std::byte* Ring::receive_buffer(std::uint16_t id) {
  return state_->buffers + id * limits::receive_buffer_bytes;
}

void Ring::return_receive_buffer(std::uint16_t id) {
  io_uring_buf_ring_add(state_->buffer_ring, receive_buffer(id), limits::receive_buffer_bytes, id,
                        limits::receive_buffer_count - 1, 0);
  io_uring_buf_ring_advance(state_->buffer_ring, 1);
}

int Ring::descriptor() const {
  return state_->ring.ring_fd;
}

void Ring::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(state_->wake_fd, &one, sizeof one);
}

std::uint64_t Ring::monotonic_ns() const {
  return clock_ns(CLOCK_MONOTONIC);
}
std::uint64_t Ring::wall_ns() const {
  return clock_ns(CLOCK_REALTIME);
}

}  // namespace millrace::engine
