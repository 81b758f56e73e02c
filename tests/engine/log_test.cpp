// The channel as a ring of bytes, lines with their quoting, and the logger with rotation.
#include "engine/log.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

using namespace millrace::engine;

namespace {

std::string drained(LogChannel& channel) {
  std::string text;
  channel.drain(text);
  return text;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("lines come out whole across the wrap of the ring") {
  LogChannel channel(LogLevel::debug);
  std::string expected;
  for (unsigned round = 0; round < 1000; ++round) {
    const std::string line(100 + round * 7 % 1000, static_cast<char>('a' + round % 26));
    REQUIRE(channel.write(line));
    expected += line + "\n";
    if (round % 3 == 0) {
      CHECK(drained(channel) == expected);
      expected.clear();
    }
  }
  CHECK(drained(channel) == expected);
  CHECK(channel.dropped() == 0);
}

TEST_CASE("a full channel drops whole lines, counts them, and goes on when drained") {
  LogChannel channel(LogLevel::debug);
  const std::string line(999, 'x');
  unsigned written = 0;
  while (channel.write(line)) ++written;
  CHECK(written == LogChannel::capacity_bytes / 1000);
  CHECK(channel.dropped() == 1);
  CHECK_FALSE(channel.write(line));
  CHECK(channel.dropped() == 2);
  CHECK(drained(channel).size() == written * 1000);
  CHECK(channel.write(line));
  CHECK(drained(channel) == line + "\n");
}

TEST_CASE("the channel can be filled to its last byte") {
  LogChannel channel(LogLevel::debug);
  CHECK_FALSE(channel.write(std::string(LogChannel::capacity_bytes, 'x')));
  CHECK(channel.write(std::string(LogChannel::capacity_bytes - 1, 'x')));
  CHECK_FALSE(channel.write(""));
  CHECK(drained(channel).size() == LogChannel::capacity_bytes);
}

TEST_CASE("a line has a time, a level, an event, and values quoted where they need it") {
  LogChannel channel(LogLevel::info);
  LogLine(channel, LogLevel::debug, "not wanted").field("a", "b");
  CHECK(drained(channel).empty());
  LogLine(channel, LogLevel::warning, "something")
      .field("n", 42)
      .field("plain", "abc")
      .field("odd", "a b\"c\\d\n\x7f")
      .field("empty", "");
  const std::string text = drained(channel);
  CHECK(text.substr(4, 1) == "-");
  CHECK(text.substr(23, 2) == "Z ");
  CHECK(text.substr(25) ==
        "warning something n=42 plain=abc odd=\"a b\\\"c\\\\d\\x0a\\x7f\" empty=\"\"\n");
}

TEST_CASE("a line that is too long is cut, never longer") {
  LogChannel channel(LogLevel::info);
  LogLine(channel, LogLevel::info, "long").field("value", std::string(10'000, 'v'));
  const std::string text = drained(channel);
  CHECK(text.size() == 4096 + 1);
  CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("a writer and a reader at once lose and mix nothing") {
  LogChannel channel(LogLevel::debug);
  std::atomic<bool> done{false};
  std::uint64_t written = 0;
  std::thread writer([&] {
    for (unsigned i = 0; i < 60'000; ++i) {
      if (channel.write("line " + std::to_string(i) + " of the writer")) ++written;
    }
    done.store(true);
  });
  std::string text;
  while (!done.load()) channel.drain(text);
  channel.drain(text);
  writer.join();
  CHECK(written + channel.dropped() == 60'000);
  std::istringstream lines(text);
  std::uint64_t seen = 0;
  long last = -1;
  bool good = true;
  for (std::string line; std::getline(lines, line); ++seen) {
    long number = -1;
    good = good && std::sscanf(line.c_str(), "line %ld of the writer", &number) == 1 &&
           number > last && line.ends_with(" of the writer");
    last = number;
  }
  CHECK(good);
  CHECK(seen == written);
}

TEST_CASE("the logger writes what was logged before it went, and follows a rotation") {
  const std::string path = std::string(std::tmpnam(nullptr)) + ".log";
  const std::string moved = path + ".1";
  {
    Logger logger(path, LogLevel::info);
    REQUIRE(logger.opened());
    LogChannel& channel = logger.add_channel();
    channel.write("first");
    while (content_of(path).empty()) std::this_thread::yield();
    REQUIRE(std::rename(path.c_str(), moved.c_str()) == 0);
    logger.reopen();
    while (!std::ifstream(path).good()) std::this_thread::yield();
    channel.write("second");
  }
  CHECK(content_of(moved) == "first\n");
  CHECK(content_of(path) == "second\n");
  std::remove(path.c_str());
  std::remove(moved.c_str());
}

TEST_CASE("a logger whose file can't be opened says so and harms nobody") {
  Logger logger("/nonexistent/folder/file.log", LogLevel::info);
  CHECK_FALSE(logger.opened());
  CHECK(logger.add_channel().write("into the void"));
}
