// Core lists, CPU quotas of made-up cgroup trees, and the choice between them.
#include "tools/cores.h"

#include "tests/tools/temporary_directory.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace millrace::tools;
using List = std::vector<unsigned>;

constexpr const char* unified_mount =
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
constexpr const char* cpu_mount =
    "31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 24 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";

}  // namespace

TEST_CASE("lists of processors") {
  CHECK(parse_core_list("0") == List{0});
  CHECK(parse_core_list("0-3,6") == List{0, 1, 2, 3, 6});
  CHECK(parse_core_list("6,0-1,1") == List{0, 1, 6});
  for (const char* text : {"", ",", "1,", "3-1", "-1", "1-", "a", "0 1", "1--2", "99999", "0x1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_core_list(text).has_value());
  }
  CHECK(core_list_text({0, 1, 2, 6, 8, 9}) == "0-2,6,8-9");
  CHECK(core_list_text({5}) == "5");
}

TEST_CASE("cgroup v2: the least quota of the group and its ancestors") {
  const TemporaryDirectory root;
  root.write("proc/self/mountinfo", unified_mount);
  root.write("proc/self/cgroup", "0::/a.slice/b\n");
  root.write("sys/fs/cgroup/a.slice/b/cpu.max", "max 100000\n");
  CHECK_FALSE(cgroup_cpu_quota(root.path()).has_value());
  root.write("sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n");
  CHECK(cgroup_cpu_quota(root.path()) == 1.5);
  root.write("sys/fs/cgroup/a.slice/b/cpu.max", "20000 10000\n");
  CHECK(cgroup_cpu_quota(root.path()) == 1.5);
  root.write("sys/fs/cgroup/a.slice/b/cpu.max", "5000 10000\n");
  CHECK(cgroup_cpu_quota(root.path()) == 0.5);
}

TEST_CASE(
    "cgroup v1: the cpu controller's quota, also where the mount shows the group as its top") {
  const TemporaryDirectory root;
  root.write("proc/self/mountinfo", cpu_mount);
  root.write("proc/self/cgroup", "4:cpuset:/x\n2:cpu,cpuacct:/docker/abc\n0::/\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "300000\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
  CHECK(cgroup_cpu_quota(root.path()) == 3.0);

  const TemporaryDirectory container;
  container.write("proc/self/mountinfo",
                  "31 24 0:27 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
  container.write("proc/self/cgroup", "2:cpu:/docker/abc\n");
  container.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n");
  container.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(cgroup_cpu_quota(container.path()) == 2.5);
  container.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  CHECK_FALSE(cgroup_cpu_quota(container.path()).has_value());
}

TEST_CASE("no cgroups, no limit") {
  const TemporaryDirectory root;
  CHECK_FALSE(cgroup_cpu_quota(root.path()).has_value());
}

TEST_CASE("a quota takes whole processors, rounded up, and lets the threads float") {
  const List eight{0, 1, 2, 3, 4, 5, 6, 7};
  const auto cores = choose_cores({}, eight, 1.5);
  REQUIRE(cores.has_value());
  CHECK(cores->processors == List{0, 1});
  CHECK_FALSE(cores->pinned);
  CHECK(cores->reason == "2 of 8: CPU quota 1.50");
  CHECK(choose_cores({}, eight, 2.0)->processors.size() == 2);
  CHECK(choose_cores({}, eight, 0.1)->processors.size() == 1);
  CHECK(choose_cores({}, eight, 8.0)->pinned);
  CHECK(choose_cores({}, {4, 6}, 100.0)->processors == List{4, 6});
  CHECK(choose_cores({}, eight, std::nullopt)->processors == eight);
}

TEST_CASE("named processors must be allowed, and are taken whatever the quota") {
  const auto named = choose_cores({1, 3}, {0, 1, 2, 3}, 1.0);
  REQUIRE(named.has_value());
  CHECK(named->processors == List{1, 3});
  CHECK(named->pinned);
  const auto refused = choose_cores({1, 9}, {0, 1, 2, 3}, std::nullopt);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().line() ==
        "millrace: cores: this process may not run on processor 9; choose among 0-3");
  CHECK_FALSE(choose_cores({}, {}, std::nullopt).has_value());
}

TEST_CASE("this process may run somewhere") {
  CHECK_FALSE(affinity_processors().empty());
}
