// See tls_files.h. Contents are compared, not time stamps: a secret may be mounted as links that
// are moved, or copied with the times of its source.
#include "tools/tls_files.h"

#include "engine/small_file.h"
#include "health/filesystem_probe.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <optional>

namespace millrace::tools {

namespace {

constexpr std::chrono::seconds interval{1};
constexpr std::chrono::milliseconds stop_max{500};

struct Texts {
  engine::Result<std::string> certificate;
  engine::Result<std::string> key;

  // Of contents, or of why there are none.
  std::size_t seen() const {
    std::string all;
    for (const auto* each : {&certificate, &key}) {
      all += *each ? **each : engine::describe(each->error());
      all += '\0';
    }
    return std::hash<std::string>{}(all);
  }
};

Texts read_texts(const TlsFiles& files) {
  return {engine::read_small_file(files.certificate), engine::read_small_file(files.key)};
}

Allowed<engine::TlsContext> make_context(const TlsFiles& files, const Texts& texts) {
  const auto unread = [](const std::string& path, engine::Error error) {
    return refuse(path, engine::describe(error), "give a file that the server may read");
  };
  if (!texts.certificate) return unread(files.certificate, texts.certificate.error());
  if (!texts.key) return unread(files.key, texts.key.error());
  auto made = engine::TlsContext::make(*texts.certificate, *texts.key);
  if (made) return std::move(*made);
  const bool key = made.error().file == engine::TlsRefusal::File::key;
  return refuse(key ? files.key : files.certificate, std::move(made.error().why),
                key ? "--tls-key wants the key of the certificate in " + files.certificate
                    : "--tls-cert wants the server's certificate, then those above it");
}

}  // namespace

Allowed<TlsPair> load_tls(const TlsFiles& files) {
  const Texts texts = read_texts(files);
  auto context = make_context(files, texts);
  if (!context) return std::unexpected(std::move(context.error()));
  return TlsPair{std::move(*context), texts.seen()};
}

// Lives until both the watch and its thread have let go.
struct TlsWatch::Shared {
  Shared(TlsFiles files_in, std::size_t seen_in, engine::TlsIdentity& identity_in,
         engine::LogChannel& log_in)
      : files(std::move(files_in)), seen(seen_in), identity(identity_in), log(log_in) {}

  const TlsFiles files;
  std::size_t seen;
  engine::TlsIdentity& identity;  // used under the mutex, and not once stopping
  engine::LogChannel& log;        // the same
  std::atomic<int> holders{2};

  std::mutex mutex;  // never held while files are read
  std::condition_variable changed;
  bool asked = false;
  bool stopping = false;
  bool ended = false;

  void run();
  void take(const Texts& texts, bool was_asked);
};

void TlsWatch::Shared::run() {
  ::pthread_setname_np(::pthread_self(), "mr-tls");
  if (health::probe_leaves_descriptors) {
    [[maybe_unused]] const int left = ::close_range(3, ~0U, CLOSE_RANGE_UNSHARE);
  }
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait_for(lock, interval, [this] { return stopping || asked; });
    if (stopping) return;
    const bool was_asked = std::exchange(asked, false);
    lock.unlock();
    const Texts texts = read_texts(files);
    lock.lock();
    if (!stopping) take(texts, was_asked);
  }
}

void TlsWatch::Shared::take(const Texts& texts, bool was_asked) {
  const std::size_t now = texts.seen();
  if (now == seen && !was_asked) return;
  seen = now;
  auto context = make_context(files, texts);
  if (!context) {
    engine::LogLine(log, engine::LogLevel::warning, "TLS certificate kept, the new one is wrong")
        .field("file", context.error().what)
        .field("why", context.error().why);
    return;
  }
  const std::string subject = context->subject();
  const std::int64_t seconds_left = context->expires_at() - ::time(nullptr);
  identity.replace(std::move(*context));
  engine::LogLine(log, seconds_left > 0 ? engine::LogLevel::info : engine::LogLevel::warning,
                  "TLS certificate loaded")
      .field("subject", subject)
      .field("days_left",
             static_cast<std::uint64_t>(std::max<std::int64_t>(0, seconds_left) / 86'400));
}

TlsWatch::TlsWatch(const TlsFiles& files, std::size_t seen, engine::TlsIdentity& identity,
                   engine::LogChannel& log)
    : shared_(new Shared(files, seen, identity, log)) {
  thread_ = std::thread([shared = shared_] {
    shared->run();
    {
      const std::lock_guard lock(shared->mutex);
      shared->ended = true;
      shared->changed.notify_all();
    }
    if (shared->holders.fetch_sub(1) == 1) delete shared;
  });
}

TlsWatch::~TlsWatch() {
  bool ended = false;
  {
    std::unique_lock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->changed.notify_all();
    ended = shared_->changed.wait_for(lock, stop_max, [this] { return shared_->ended; });
  }
  ended ? thread_.join() : thread_.detach();
  if (shared_->holders.fetch_sub(1) == 1) delete shared_;
}

void TlsWatch::look() {
  const std::lock_guard lock(shared_->mutex);
  shared_->asked = true;
  shared_->changed.notify_all();
}

}  // namespace millrace::tools
