// See rest.h.
#include "tools/cluster/rest.h"

#include "engine/clock.h"
#include "engine/shard.h"
#include "health/filesystem_probe.h"
#include "s3/auth/sigv4.h"
#include "s3/digest/hash.h"
#include "s3/limits.h"
#include "tools/cluster/desk.h"
#include "tools/cluster/openapi.h"

#include <linux/close_range.h>
#include <netinet/in.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <expected>
#include <mutex>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

namespace millrace::tools {

using engine::Task;
using nlohmann::json;

namespace {

constexpr std::uint64_t look_every_ms = 10;
constexpr std::chrono::milliseconds stop_limit{500};

// One whose asker gives up before the thread has taken it is not done any more.
struct Job {
  enum class State : std::uint8_t { waiting, taken, done, abandoned };
  explicit Job(DeskRequest request_in) : request(std::move(request_in)) {}
  const DeskRequest request;
  int status = 0;    // the thread's until it is done, then the shard's
  std::string text;  // as above
  std::atomic<State> state{State::waiting};
};

// Whatever bytes a path or a field of the request has in it.
std::string text_of(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

bool is_loopback(const sockaddr_storage& peer) {
  if (peer.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(peer).sin_addr;
    return (ntohl(address.s_addr) >> 24) == 127;
  }
  const auto& address = reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&address) ||
         (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

DeskAnswer refused(int status, std::string what, std::string why, std::string remedy) {
  return {.status = status,
          .body = refusal_document({std::move(what), std::move(why), std::move(remedy)})};
}

// Who asks: nothing is wrong with the root key, signed over the whole request, body included.
std::optional<DeskAnswer> check_signature(const http::Head& head, std::string_view body,
                                          const s3::CredentialSource& credentials) {
  s3::SigningKeyCache keys;  // administrators are few
  const s3::QueryParameters query(head.query);
  const auto identity = s3::authenticate(
      head, query, credentials,
      {.region = {},
       .now_unix_seconds = static_cast<std::int64_t>(engine::Shard::current().wall_seconds()),
       .max_skew_seconds = s3::limits::clock_skew_seconds_max},
      keys);
  if (!identity) {
    return refused(403, "signature", s3::explain(identity.error(), {}), "sign with the root keys");
  }
  if (identity->anonymous()) {
    return refused(401, "signature", "is missing", "sign with the root keys");
  }
  s3::Sha256 digest;
  digest.update(body);
  if (identity->presigned || identity->payload != s3::PayloadMode::hex ||
      digest.finish() != identity->payload_sha256) {
    return refused(403, "x-amz-content-sha256", "is not the body's SHA-256", "sign the body, too");
  }
  if (!identity->principal->root) return refused(403, "access", "is denied", "use the root keys");
  return std::nullopt;
}

Task<engine::Result<std::string>> read_body(http::Exchange& exchange) {
  std::string body;
  if (!exchange.head().has_body()) co_return body;
  if (exchange.body().left_bytes() > rest_body_bytes_max) co_return engine::fail_errno(EMSGSIZE);
  std::vector<std::byte> piece(4096);
  for (;;) {
    const auto got = co_await exchange.body().read(piece);
    if (!got) co_return std::unexpected(got.error());
    body.append(reinterpret_cast<const char*>(piece.data()), *got);
    if (body.size() > rest_body_bytes_max) co_return engine::fail_errno(EMSGSIZE);
    if (*got < piece.size()) co_return body;
  }
}

Task<> send(http::Exchange& exchange, int status, const std::string& text) {
  http::HeadWriter& head = exchange.begin(status);
  std::ignore = head.field("Content-Type", "application/json");
  std::ignore = head.field("Cache-Control", "no-store");
  std::ignore = co_await exchange.send(text);
}

}  // namespace

// Between the health shard and the thread; whoever is last lets it go.
struct Rest::Shared {
  static void run(const std::shared_ptr<Shared>& self, const RestOptions& options);
  void work(Desk& desk);
  bool add(const std::shared_ptr<Job>& job);

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> waiting;  // under the mutex
  std::atomic<bool> stopping{false};
  std::binary_semaphore ended{0};
};

// It opens what it needs by its path, so it leaves the process's descriptors: if it hangs, no port
// and no lock stays taken with it (see filesystem_probe.cpp).
void Rest::Shared::run(const std::shared_ptr<Shared>& self, const RestOptions& options) {
  if (health::probe_leaves_descriptors && ::unshare(CLONE_FILES) == 0) {
    std::ignore = ::close_range(3, ~0U, 0);
  }
  {
    Desk desk(options.config_fs, options.writer);  // its descriptors are this thread's
    self->work(desk);
  }
  self->ended.release();
}

void Rest::Shared::work(Desk& desk) {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return stopping || !waiting.empty(); });
      if (stopping) return;
      job = std::move(waiting.front());
      waiting.pop_front();
    }
    auto before = Job::State::waiting;
    if (!job->state.compare_exchange_strong(before, Job::State::taken)) continue;
    const DeskAnswer answer = desk.answer(job->request);
    job->status = answer.status;
    job->text = text_of(answer.body);
    job->state.store(Job::State::done, std::memory_order_release);
  }
}

bool Rest::Shared::add(const std::shared_ptr<Job>& job) {
  const std::lock_guard lock(mutex);
  if (waiting.size() >= rest_waiting_max) return false;
  waiting.push_back(job);
  wake.notify_one();
  return true;
}

Rest::Rest(RestOptions options)
    : options_(std::move(options)), shared_(std::make_shared<Shared>()) {
  std::thread(&Shared::run, shared_, options_).detach();
}

Rest::~Rest() {
  request_stop();
  std::ignore = shared_->ended.try_acquire_for(stop_limit);
}

void Rest::request_stop() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stopping = true;
  shared_->wake.notify_one();
}

Task<> Rest::serve(void* context, http::Exchange& exchange) {
  co_await static_cast<Rest*>(context)->answer(exchange);
}

Task<> Rest::answer(http::Exchange& exchange) {
  const http::Head& head = exchange.head();
  if (head.path == openapi_path && head.method == http::Method::get) {
    co_await send(exchange, 200, std::string(openapi_document));
    co_return;
  }
  const auto finish = [&](const DeskAnswer& reply) {
    return send(exchange, reply.status, text_of(reply.body));
  };
  if (!head.path.starts_with(rest_prefix)) {
    co_await finish(refused(404, std::string(head.path), "is not a path of this interface", ""));
    co_return;
  }
  if (!options_.clear_text && !exchange.connection().tls &&
      !is_loopback(exchange.connection().peer)) {
    co_await finish(refused(403, "clear text", "is taken from this host only",
                            "use TLS, or start the container with --admin-clear-text"));
    co_return;
  }
  const auto body = co_await read_body(exchange);
  if (!body) {
    exchange.close_after();
    co_await finish(refused(413, "body", "is too long or broke off", ""));
    co_return;
  }
  if (const auto fault = check_signature(head, *body, options_.credentials)) {
    co_await finish(*fault);
    co_return;
  }
  json document = body->empty() ? json::object() : json::parse(*body, nullptr, false);
  const auto job =
      std::make_shared<Job>(DeskRequest{.method = std::string(head.method_text),
                                        .path = std::string(head.path.substr(rest_prefix.size())),
                                        .body = std::move(document)});
  const std::uint64_t deadline_ns =
      engine::Shard::current().now_ns() + rest_deadline_s * 1'000'000'000ULL;
  if (!shared_->add(job)) {
    co_await finish(refused(503, "administration", "has too many requests", "try again"));
    co_return;
  }
  const auto done = [&] { return job->state.load(std::memory_order_acquire) == Job::State::done; };
  while (!done() && !shared_->stopping && engine::Shard::current().now_ns() < deadline_ns) {
    co_await engine::sleep_for(look_every_ms);
  }
  auto before = Job::State::waiting;
  if (done()) {
    co_await send(exchange, job->status, job->text);
  } else if (job->state.compare_exchange_strong(before, Job::State::abandoned)) {
    co_await finish(refused(503, "configuration filesystem", "gives no answer in time",
                            "look at its mount, or ask another container"));
  } else {
    co_await finish(refused(503, "configuration filesystem",
                            "gives no answer in time, and what was asked may still be done",
                            "look at its mount, then at the status"));
  }
}

}  // namespace millrace::tools
