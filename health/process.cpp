// See process.h.
#include "health/process.h"

#include "engine/descriptor.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace millrace::health {

namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

// The beginning of a file of /proc or /sys, whose size can't be known before; empty on error.
std::string read_start(const std::string& path) {
  const engine::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(8192, '\0');
  const auto got = file ? ::read(file.get(), text.data(), text.size()) : -1;
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

// The number that the text begins with, after spaces.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc{}) return std::nullopt;
  return number;
}

// The word of that index; words are parted by single spaces.
std::string_view word(std::string_view text, unsigned index) {
  for (; index > 0; --index) text.remove_prefix(std::min(text.find(' ') + 1, text.size()));
  return text.substr(0, text.find(' '));
}

// The least limit of a cgroup and its ancestors. "max", and v1's number near 2^63, are none.
std::uint64_t least_limit(const std::string& mount, std::string group, const char* file) {
  std::uint64_t least = no_limit;
  for (;;) {
    if (const auto limit = leading_number(read_start(mount + group + "/" + file))) {
      least = std::min(least, *limit);
    }
    const auto slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

// Lines of /proc/self/cgroup: "0::/a/b" in v2, "4:memory:/a/b" in v1.
std::uint64_t cgroup_limit(const std::string& root) {
  std::uint64_t least = no_limit;
  const std::string text = read_start(root + "/proc/self/cgroup");
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    std::string group(line.substr(second + 1));
    if (group == "/") group.clear();
    if (controllers.empty()) {
      least = std::min(least, least_limit(root + "/sys/fs/cgroup", group, "memory.max"));
    } else if (controllers == "memory") {
      least = std::min(least,
                       least_limit(root + "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

std::uint64_t open_descriptors() {
  // Linux 6.2 tells their number as the size of the directory; before, they must be listed.
  struct stat status;
  if (::stat("/proc/self/fd", &status) == 0 && status.st_size > 0) {
    return static_cast<std::uint64_t>(status.st_size);
  }
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  std::uint64_t count = 0;
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count > 3 ? count - 3 : 0;  // ".", ".." and the one that listed them
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double clock_seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

std::uint64_t resident_bytes() {
  const auto pages = leading_number(word(read_start("/proc/self/statm"), 1));
  return pages.value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t memory_limit_bytes(const std::string& root) {
  std::uint64_t least = cgroup_limit(root);
  const std::string text = read_start(root + "/proc/meminfo");
  constexpr std::string_view label = "MemTotal:";
  if (const auto at = text.find(label); at != std::string::npos) {
    const auto kib = leading_number(std::string_view(text).substr(at + label.size()));
    if (kib) least = std::min(least, *kib * 1024);
  }
  return least == no_limit ? 0 : least;
}

double start_time_seconds() {
  const std::string text = read_start("/proc/self/stat");
  // The second field is the name in parentheses, which may hold anything; what follows the last
  // of them begins with the third field. The start is the 22nd, in ticks since boot.
  const auto close = text.rfind(')');
  if (close == std::string::npos || close + 2 >= text.size()) return 0.0;
  const auto ticks = leading_number(word(std::string_view(text).substr(close + 2), 19));
  if (!ticks) return 0.0;
  const double since_boot =
      static_cast<double>(*ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return clock_seconds(CLOCK_REALTIME) - clock_seconds(CLOCK_BOOTTIME) + since_boot;
}

ProcessFacts process_facts(double start_time_seconds) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  return {.resident_bytes = resident_bytes(),
          .open_descriptors = open_descriptors(),
          .descriptors_max = descriptors.rlim_cur,
          .cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime),
          .start_time_seconds = start_time_seconds};
}

}  // namespace millrace::health
