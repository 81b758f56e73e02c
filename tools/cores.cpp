// Affinity mask, core lists, and the choice of the processors. Main thread, at start.
#include "tools/cores.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

namespace millrace::tools {
namespace {

// The kernel's own ceiling (CONFIG_NR_CPUS of the largest distribution kernels).
constexpr unsigned processor_max = 8191;

bool parse_processor(std::string_view text, unsigned& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value <= processor_max;
}

}  // namespace

std::expected<std::vector<unsigned>, std::string> parse_core_list(std::string_view text) {
  std::vector<unsigned> processors;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view piece = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
    const std::size_t dash = piece.find('-');
    unsigned first = 0;
    unsigned last = 0;
    bool good = parse_processor(piece.substr(0, dash), first);
    last = first;
    if (dash != std::string_view::npos)
      good = good && parse_processor(piece.substr(dash + 1), last);
    if (!good || last < first) {
      return std::unexpected(
          fmt::format("\"{}\" isn't a list of processors; allowed are their numbers (not a count)"
                      " as 0-3,6",
                      text));
    }
    for (unsigned processor = first; processor <= last; ++processor) {
      processors.push_back(processor);
    }
  }
  std::sort(processors.begin(), processors.end());
  processors.erase(std::unique(processors.begin(), processors.end()), processors.end());
  return processors;
}

std::string core_list_text(const std::vector<unsigned>& processors) {
  std::string text;
  for (std::size_t at = 0; at < processors.size();) {
    std::size_t end = at;
    while (end + 1 < processors.size() && processors[end + 1] == processors[end] + 1) ++end;
    if (!text.empty()) text += ',';
    text += std::to_string(processors[at]);
    if (end > at) text += '-' + std::to_string(processors[end]);
    at = end + 1;
  }
  return text;
}

std::vector<unsigned> affinity_processors() {
  std::vector<unsigned> processors;
  const std::size_t bytes = CPU_ALLOC_SIZE(processor_max + 1);
  cpu_set_t* set = CPU_ALLOC(processor_max + 1);
  if (set != nullptr && ::sched_getaffinity(0, bytes, set) == 0) {
    for (unsigned processor = 0; processor <= processor_max; ++processor) {
      if (CPU_ISSET_S(processor, bytes, set)) processors.push_back(processor);
    }
  }
  CPU_FREE(set);
  return processors;
}

Allowed<Cores> choose_cores(const std::vector<unsigned>& requested,
                            const std::vector<unsigned>& affinity, std::optional<double> quota) {
  if (affinity.empty()) {
    return refuse("cores", "the affinity mask of this process can't be read",
                  "name the processors with --cores");
  }
  Cores cores;
  if (!requested.empty()) {
    std::vector<unsigned> outside;
    std::set_difference(requested.begin(), requested.end(), affinity.begin(), affinity.end(),
                        std::back_inserter(outside));
    if (!outside.empty()) {
      return refuse("cores", "this process may not run on processor " + core_list_text(outside),
                    "choose among " + core_list_text(affinity));
    }
    cores.processors = requested;
    cores.reason = "as configured";
    return cores;
  }
  cores.processors = affinity;
  cores.reason = "all of the affinity mask";
  if (!quota.has_value()) return cores;
  const auto paid = static_cast<std::size_t>(std::max(1.0, std::ceil(*quota - 1e-9)));
  if (paid < affinity.size()) {
    cores.processors.resize(paid);
    cores.pinned = false;
    cores.reason = fmt::format("{} of {}: CPU quota {:.2f}", paid, affinity.size(), *quota);
  }
  return cores;
}

}  // namespace millrace::tools
