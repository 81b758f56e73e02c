// Which processors the shards run on: those of the affinity mask, and no more of them than the
// cgroup's CPU quota pays for. Main thread, at start.
#pragma once

#include "tools/refusal.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

struct Cores {
  std::vector<unsigned> processors;  // ascending, one shard each, never empty
  // False where a quota allows fewer than the mask: every container of a host would choose the
  // same first processors, so the shards' threads then float inside the mask.
  bool pinned = true;
  std::string reason;  // why it is this many, for the banner ("2 of 8: CPU quota 1.50")
};

// "0-3,6" as ascending numbers, each once. The error says what is wrong and what is allowed.
std::expected<std::vector<unsigned>, std::string> parse_core_list(std::string_view text);

// Numbers as a list in the form that parse_core_list takes.
std::string core_list_text(const std::vector<unsigned>& processors);

// The processors of this thread's affinity mask, ascending (which is the cpuset's, too).
std::vector<unsigned> affinity_processors();

// The CPU time that this process's cgroups allow, in processors (1.5: 150 ms in each 100 ms); the
// least of the cgroup and its ancestors, of both hierarchies; none without a limit. Every path is
// looked up below `root` (empty in production).
std::optional<double> cgroup_cpu_quota(const std::string& root);

// `requested` (from --cores) must lie in the mask and is then taken as it is, whatever the quota.
Allowed<Cores> choose_cores(const std::vector<unsigned>& requested,
                            const std::vector<unsigned>& affinity, std::optional<double> quota);

}  // namespace millrace::tools
