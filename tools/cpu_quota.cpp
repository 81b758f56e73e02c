// The CPU quota of this process's cgroups, v1 and v2. Only reads files; main thread, at start.
// Invariant: what can't be read counts as no limit.
#include "engine/small_file.h"
#include "tools/cores.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace millrace::tools {
namespace {

// Where a hierarchy is mounted, and which of its cgroups the mount shows as its top.
struct Mount {
  std::string point;
  std::string top;
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) pieces.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

bool names_controller(std::string_view list, std::string_view name) {
  const auto names = split(list, ',');
  return std::find(names.begin(), names.end(), name) != names.end();
}

// proc(5): "ID PARENT DEV ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPEROPTIONS".
std::optional<Mount> find_mount(std::string_view mountinfo, bool unified) {
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    const bool match =
        unified ? dash[1] == "cgroup2" : dash[1] == "cgroup" && names_controller(dash[3], "cpu");
    if (match) return Mount{std::string(words[4]), std::string(words[3])};
  }
  return std::nullopt;
}

// cgroups(7): "0::/PATH" is the unified hierarchy, "N:CONTROLLERS:/PATH" one of version 1.
std::optional<std::string> find_group(std::string_view groups, bool unified) {
  for (const std::string_view line : split(groups, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool match = unified ? controllers.empty() : names_controller(controllers, "cpu");
    if (match) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

std::optional<double> ratio(std::string_view quota, std::string_view period) {
  std::int64_t quota_us = 0;
  std::int64_t period_us = 0;
  std::from_chars(quota.data(), quota.data() + quota.size(), quota_us);
  std::from_chars(period.data(), period.data() + period.size(), period_us);
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;  // "max" and -1 mean no limit
  return static_cast<double>(quota_us) / static_cast<double>(period_us);
}

std::optional<double> quota_of(const std::string& directory, bool unified) {
  if (unified) {
    const std::string text = engine::small_file_text(directory + "/cpu.max");
    const auto words = split(std::string_view(text).substr(0, text.find('\n')), ' ');
    return words.size() == 2 ? ratio(words[0], words[1]) : std::nullopt;
  }
  return ratio(engine::small_file_text(directory + "/cpu.cfs_quota_us"),
               engine::small_file_text(directory + "/cpu.cfs_period_us"));
}

std::optional<double> least(std::optional<double> a, std::optional<double> b) {
  if (!a.has_value()) return b;
  return b.has_value() ? std::min(*a, *b) : a;
}

std::optional<double> hierarchy_quota(const std::string& root, bool unified) {
  const auto mount = find_mount(engine::small_file_text(root + "/proc/self/mountinfo"), unified);
  auto group = find_group(engine::small_file_text(root + "/proc/self/cgroup"), unified);
  if (!mount.has_value() || !group.has_value()) return std::nullopt;
  // Without a cgroup namespace a container's group is "/docker/ID" while its mount shows that
  // very group as the top.
  if (mount->top != "/" && group->starts_with(mount->top)) group->erase(0, mount->top.size());
  while (group->ends_with('/')) group->pop_back();
  std::optional<double> quota;
  for (;;) {
    quota = least(quota, quota_of(root + mount->point + *group, unified));
    if (group->empty()) return quota;
    group->erase(group->rfind('/'));
  }
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const std::string& root) {
  return least(hierarchy_quota(root, true), hierarchy_quota(root, false));
}

}  // namespace millrace::tools
