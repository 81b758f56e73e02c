// Logging that never blocks a shard. Each thread that logs owns a channel (a ring of bytes with
// one writer and one reader); one logger thread writes them out. A full channel drops the line
// and counts it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace millrace::engine {

enum class LogLevel : std::uint8_t { debug, info, warning, error, off };

class LogChannel {
 public:
  static constexpr std::size_t capacity_bytes = 256 * 1024;

  explicit LogChannel(LogLevel least) : least_(least), bytes_(new char[capacity_bytes]) {}

  bool wants(LogLevel level) const { return level >= least_; }
  // One line without its end. False when it was dropped.
  bool write(std::string_view line);
  // Appends what was written since the last call. Called by the logger's thread.
  void drain(std::string& into);
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void put(std::uint64_t at, std::string_view bytes);

  const LogLevel least_;
  std::unique_ptr<char[]> bytes_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> drained_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

// A line in the making: `LogLine(channel, LogLevel::info, "started").field("shard", 3)`.
// Values are quoted and escaped when they hold more than plain characters. Written when
// destroyed. Costs nothing below the channel's level.
class LogLine {
 public:
  LogLine(LogChannel& channel, LogLevel level, std::string_view event);
  ~LogLine();
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  LogLine& field(std::string_view name, std::string_view value);
  LogLine& field(std::string_view name, std::uint64_t value);

 private:
  static constexpr std::size_t line_bytes_max = 4096;

  void append(std::string_view text);
  void append_value(std::string_view value);

  LogChannel* channel_;
  std::size_t length_ = 0;
  char text_[line_bytes_max];
};

class Logger {
 public:
  // An empty path means standard error.
  Logger(std::string path, LogLevel least);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  bool opened() const { return fd_.load() >= 0; }
  // The channel lives as long as the logger.
  LogChannel& add_channel();
  // Opens the path anew (after a rotation); callable from any thread.
  void reopen() { reopen_.store(true); }

 private:
  void run();
  void flush();
  void open_path();

  const std::string path_;
  const LogLevel least_;
  std::atomic<int> fd_{-1};
  std::atomic<bool> reopen_{false};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::unique_ptr<LogChannel>> channels_;
  std::thread thread_;
};

}  // namespace millrace::engine
