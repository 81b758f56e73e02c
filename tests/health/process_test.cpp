// Memory limits from a pretended /proc and /sys, and facts of this very process.
#include "health/process.h"

#include "tests/health/loopback.h"

#include <fcntl.h>
#include <time.h>

#include <fstream>

using namespace millrace;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

void write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("the memory limit is the least of cgroups and machine") {
  const health::testing::TemporaryDirectory root;
  CHECK(health::memory_limit_bytes(root.path) == 0);
  write_file(root.path + "/proc/meminfo", "MemTotal:        4096000 kB\nMemFree: 1 kB\n");
  CHECK(health::memory_limit_bytes(root.path) == 4'096'000ULL * 1024);

  write_file(root.path + "/proc/self/cgroup", "0::/pod/box\n");
  write_file(root.path + "/sys/fs/cgroup/pod/box/memory.max", "max\n");
  CHECK(health::memory_limit_bytes(root.path) == 4'096'000ULL * 1024);
  write_file(root.path + "/sys/fs/cgroup/pod/memory.max", "1073741824\n");
  CHECK(health::memory_limit_bytes(root.path) == 1024 * mib);
  write_file(root.path + "/sys/fs/cgroup/pod/box/memory.max", "536870912\n");
  CHECK(health::memory_limit_bytes(root.path) == 512 * mib);
}

TEST_CASE("the memory limit of a version 1 cgroup") {
  const health::testing::TemporaryDirectory root;
  write_file(root.path + "/proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/x\n");
  write_file(root.path + "/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "268435456\n");
  write_file(root.path + "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(health::memory_limit_bytes(root.path) == 256 * mib);
}

TEST_CASE("what the kernel says of this process") {
  const auto before = health::process_facts(1.0);
  std::vector<engine::Descriptor> opened;
  for (int i = 0; i < 10; ++i) opened.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto after = health::process_facts(1.0);
  CHECK(after.open_descriptors == before.open_descriptors + 10);
  CHECK(after.resident_bytes > mib);
  CHECK(after.descriptors_max >= after.open_descriptors);
  CHECK(after.cpu_seconds >= before.cpu_seconds);
  const double start = health::start_time_seconds();
  const auto now = static_cast<double>(::time(nullptr));
  CHECK(start > now - 24 * 3600);
  CHECK(start < now + 2);
}
