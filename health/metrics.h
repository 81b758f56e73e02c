// The text of /metrics, from status pages, the view and what the kernel says of the process.
// Pure, apart from reading the pages' counters; on the health shard, so its cost is no request's.
#pragma once

#include "engine/status_page.h"
#include "health/cluster/figures.h"
#include "health/filesystem_probe.h"
#include "health/process.h"
#include "health/view.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace millrace::health {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

struct FilesystemFacts {
  std::string_view directory;
  Verdict verdict;
  std::uint64_t rounds = 0;
  std::uint64_t rounds_failed = 0;
  std::uint64_t duration_ns = 0;
};

struct MetricsFacts {
  std::string_view version;
  std::string_view durability;  // the mode's name
  std::uint64_t now_ns = 0;     // monotonic, as the heartbeats are
  std::span<const engine::StatusPage> frontends;
  const engine::StatusPage* health_page = nullptr;  // may be null
  // What StatusPage::operations are called, in their order; an empty name is left out.
  std::span<const std::string_view> operations;
  std::span<const FilesystemFacts> filesystems;
  View::Snapshot view;
  ProcessFacts process;
  std::int64_t tls_expires_at = 0;  // of the certificate, seconds since 1970; 0: clear text
  const cluster::Figures* cluster = nullptr;  // null: standalone
};

void append_metrics(std::string& out, const MetricsFacts& facts);

}  // namespace millrace::health
