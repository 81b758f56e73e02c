// The answers to health checks, the same on the health port and on the S3 port: exactly 200 or
// 503, a small body that depends on the state alone, no authentication. Any shard; nothing here
// waits for anything but the client's socket.
#pragma once

#include "engine/task.h"
#include "health/cluster/figures.h"
#include "health/view.h"
#include "http/exchange.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace millrace::health {

// What is known of the whole cluster.
struct ClusterView {
  std::uint64_t containers = 1;
  std::uint64_t active = 0;  // that take requests
  std::uint64_t generation = 0;
};

// Cluster: /health/cluster, 200 while any container takes requests. Ready: /wekas3api/health/ready,
// /minio/health/ready, /minio/health/cluster (and cluster/read), /health/ready. Live:
// /minio/health/live, /health/live.
bool is_health_path(std::string_view path);
// Those of them that are answered on the S3 port, too: the ones below /wekas3api and /minio.
// (A bucket may be called "health".)
bool is_s3_port_health_path(std::string_view path);
// Buckets that can't be, because the S3 port answers health checks in their place.
bool is_reserved_bucket(std::string_view name);

struct Answer {
  int status = 0;  // 200 or 503; 405
  std::string_view content_type;
  std::string_view body;
};

// What a request for a health path is answered with; nothing for any other path. `query` is the
// raw one: c=json asks for figures instead of a word. `into` holds the body where it isn't a
// constant.
std::optional<Answer> answer(const View::Snapshot& view, const ClusterView& cluster,
                             http::Method method, std::string_view path, std::string_view query,
                             std::span<char, limits::body_bytes_max> into);

// "0.73": two decimals, always; what x-weka-score and x-millrace-score carry.
std::string_view score_text(double score, std::span<char, 8> into);

// Adds Cache-Control and both score fields to an answer that has begun.
void add_health_fields(http::HeadWriter& head, const View::Snapshot& view);

// Answers a request whose path is_health_path(); 404 to any other.
// Without `figures` the server is a cluster of one.
engine::Task<> serve_health(http::Exchange& exchange, const View& view,
                            const cluster::Figures* figures = nullptr);

}  // namespace millrace::health
