// See log.h. The logger looks every 20 ms: a line is late by that at most, and writers make no
// system call.
#include "engine/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>

namespace millrace::engine {

void LogChannel::put(std::uint64_t at, std::string_view bytes) {
  const std::size_t start = at % capacity_bytes;
  const std::size_t first = std::min(bytes.size(), capacity_bytes - start);
  std::memcpy(bytes_.get() + start, bytes.data(), first);
  std::memcpy(bytes_.get(), bytes.data() + first, bytes.size() - first);
}

bool LogChannel::write(std::string_view line) {
  const std::uint64_t written = written_.load(std::memory_order_relaxed);
  const std::uint64_t used = written - drained_.load(std::memory_order_acquire);
  if (used + line.size() + 1 > capacity_bytes) {
    dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return false;
  }
  put(written, line);
  put(written + line.size(), "\n");
  written_.store(written + line.size() + 1, std::memory_order_release);
  return true;
}

void LogChannel::drain(std::string& into) {
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  std::uint64_t drained = drained_.load(std::memory_order_relaxed);
  while (drained < written) {
    const std::size_t start = drained % capacity_bytes;
    const std::size_t piece = std::min<std::uint64_t>(written - drained, capacity_bytes - start);
    into.append(bytes_.get() + start, piece);
    drained += piece;
  }
  drained_.store(drained, std::memory_order_release);
}

namespace {

constexpr std::string_view level_names[] = {"debug", "info", "warning", "error", "off"};

bool plain(std::string_view value) {
  return !value.empty() && std::ranges::all_of(value, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
  });
}

}  // namespace

LogLine::LogLine(LogChannel& channel, LogLevel level, std::string_view event)
    : channel_(channel.wants(level) ? &channel : nullptr) {
  if (channel_ == nullptr) return;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char stamp[40];
  const std::size_t length = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
  append({stamp, length});
  const auto ms = static_cast<unsigned>(now.tv_nsec / 1'000'000);
  const char fraction[] = {'.',
                           static_cast<char>('0' + ms / 100),
                           static_cast<char>('0' + ms / 10 % 10),
                           static_cast<char>('0' + ms % 10),
                           'Z',
                           ' '};
  append({fraction, sizeof fraction});
  append(level_names[static_cast<std::size_t>(level)]);
  append(" ");
  append(event);
}

LogLine::~LogLine() {
  if (channel_ != nullptr) channel_->write({text_, length_});
}

void LogLine::append(std::string_view text) {
  const std::size_t room = std::min(text.size(), line_bytes_max - length_);
  std::memcpy(text_ + length_, text.data(), room);
  length_ += room;
}

void LogLine::append_value(std::string_view value) {
  if (plain(value)) return append(value);
  static constexpr char digits[] = "0123456789abcdef";
  append("\"");
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      const char escaped[] = {'\\', c};
      append({escaped, 2});
    } else if (byte < 0x20 || byte == 0x7f) {
      const char escaped[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
      append({escaped, 4});
    } else {
      append({&c, 1});
    }
  }
  append("\"");
}

LogLine& LogLine::field(std::string_view name, std::string_view value) {
  if (channel_ == nullptr) return *this;
  append(" ");
  append(name);
  append("=");
  append_value(value);
  return *this;
}

LogLine& LogLine::field(std::string_view name, std::uint64_t value) {
  if (channel_ == nullptr) return *this;
  char digits[20];
  const auto [end, ignored] = std::to_chars(digits, digits + sizeof digits, value);
  return field(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

Logger::Logger(std::string path, LogLevel least) : path_(std::move(path)), least_(least) {
  open_path();
  thread_ = std::thread([this] { run(); });
}

Logger::~Logger() {
  stopping_.store(true);
  thread_.join();
  flush();
  if (!path_.empty() && fd_.load() >= 0) ::close(fd_.load());
}

void Logger::open_path() {
  if (path_.empty()) {
    fd_.store(STDERR_FILENO);
    return;
  }
  const int fresh = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fresh < 0) return;  // keeps the old one
  const int old = fd_.exchange(fresh);
  if (old >= 0) ::close(old);
}

LogChannel& Logger::add_channel() {
  const std::lock_guard lock(mutex_);
  return *channels_.emplace_back(std::make_unique<LogChannel>(least_));
}

void Logger::flush() {
  std::string text;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& channel : channels_) channel->drain(text);
  }
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto written = ::write(fd_.load(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Logger::run() {
  pthread_setname_np(pthread_self(), "mr-log");
  while (!stopping_.load()) {
    if (reopen_.exchange(false)) open_path();
    flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace millrace::engine
