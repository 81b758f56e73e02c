// See endpoints.h.
#include "health/endpoints.h"

#include "engine/shard.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::health {

namespace {

enum class Question : std::uint8_t { ready, live, cluster };

struct Path {
  std::string_view text;
  Question question;
  bool on_s3_port;
};

constexpr Path paths[] = {
    {"/wekas3api/health/ready", Question::ready, true},
    {"/minio/health/ready", Question::ready, true},
    {"/minio/health/cluster", Question::ready, true},
    {"/minio/health/cluster/read", Question::ready, true},
    {"/minio/health/live", Question::live, true},
    {"/health/ready", Question::ready, false},
    {"/health/live", Question::live, false},
    {"/health/cluster", Question::cluster, false},
};

const Path* find(std::string_view text) {
  const auto* const found = std::find_if(std::begin(paths), std::end(paths),
                                         [text](const Path& path) { return path.text == text; });
  return found == std::end(paths) ? nullptr : found;
}

bool wants_json(std::string_view query) {
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    if (parameter == "c=json") return true;
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
  }
  return false;
}

// The body of a state: its word and a line end, told apart by nothing else, for load balancers
// that compare digests.
std::string_view word_body(std::string_view word, std::span<char> into) {
  const auto end = fmt::format_to_n(into.data(), into.size(), "{}\n", word);
  return {into.data(), end.size};
}

std::string_view json_body(const Load& load, std::span<char> into) {
  constexpr std::uint64_t mib = 1024 * 1024;
  std::array<char, 8> digits;
  const auto end =
      fmt::format_to_n(into.data(), into.size(),
                       R"({{"score":{},"rq.active":{},"rq.max":{},"mem.active":{},"mem.max":{}}})",
                       score_text(score(load), digits), load.requests_active, load.requests_max,
                       load.memory_bytes / mib, load.memory_max_bytes / mib);
  return {into.data(), std::min(end.size, into.size())};
}

// As `cluster status` has it; a server without a cluster is one of one.
std::string_view cluster_word(const ClusterView& cluster) {
  if (cluster.active == 0) return "inactive";
  return cluster.active == 1 || cluster.active < cluster.containers ? "degraded" : "active";
}

std::string_view cluster_json(const ClusterView& cluster, std::span<char> into) {
  const auto end = fmt::format_to_n(
      into.data(), into.size(), R"({{"state":"{}","containers":{},"active":{},"generation":{}}})",
      cluster_word(cluster), cluster.containers, cluster.active, cluster.generation);
  return {into.data(), std::min(end.size, into.size())};
}

}  // namespace

bool is_health_path(std::string_view path) {
  return find(path) != nullptr;
}

bool is_s3_port_health_path(std::string_view path) {
  const Path* found = find(path);
  return found != nullptr && found->on_s3_port;
}

bool is_reserved_bucket(std::string_view name) {
  return name == "wekas3api" || name == "minio";
}

std::string_view score_text(double score, std::span<char, 8> into) {
  const auto end = fmt::format_to_n(into.data(), into.size(), "{:.2f}", score);
  return {into.data(), end.size};
}

std::optional<Answer> answer(const View::Snapshot& view, const ClusterView& cluster,
                             http::Method method, std::string_view path, std::string_view query,
                             std::span<char, limits::body_bytes_max> into) {
  const Path* found = find(path);
  if (found == nullptr) return std::nullopt;
  if (method != http::Method::get && method != http::Method::head &&
      method != http::Method::options) {
    return Answer{405, "text/plain", "method not allowed\n"};
  }
  if (found->question == Question::cluster) {
    const int status = cluster.active > 0 ? 200 : 503;
    if (wants_json(query)) return Answer{status, "application/json", cluster_json(cluster, into)};
    return Answer{status, "text/plain", word_body(cluster_word(cluster), into)};
  }
  const bool good = found->question == Question::live || view.ready();
  const int status = good ? 200 : 503;
  if (wants_json(query)) return Answer{status, "application/json", json_body(view.load, into)};
  if (found->question == Question::live) return Answer{status, "text/plain", "live\n"};
  return Answer{status, "text/plain", word_body(reason_text(view.reason), into)};
}

void add_health_fields(http::HeadWriter& head, const View::Snapshot& view) {
  std::array<char, 8> digits;
  const std::string_view text = score_text(score(view.load), digits);
  std::ignore = head.field("Cache-Control", "no-store");
  std::ignore = head.field("x-weka-score", text);
  std::ignore = head.field("x-millrace-score", text);
}

engine::Task<> serve_health(http::Exchange& exchange, const View& view,
                            const cluster::Figures* figures) {
  const View::Snapshot snapshot = view.read(engine::Shard::current().now_ns());
  const http::Head& head = exchange.head();
  std::array<char, limits::body_bytes_max> body;
  const ClusterView whole =
      figures != nullptr
          ? ClusterView{figures->containers, figures->containers_active, figures->generation}
          : ClusterView{1, snapshot.ready() ? 1U : 0U, 0};
  const auto found = answer(snapshot, whole, head.method, head.path, head.query, body);
  const Answer reply = found ? *found : Answer{404, "text/plain", "not found\n"};
  http::HeadWriter& writer = exchange.begin(reply.status);
  if (reply.status == 405 || head.method == http::Method::options) {
    std::ignore = writer.field("Allow", "GET, HEAD, OPTIONS");
  }
  std::ignore = writer.field("Content-Type", reply.content_type);
  add_health_fields(writer, snapshot);
  // What fails here ends the connection, which the exchange knows.
  std::ignore = co_await exchange.send(reply.body);
}

}  // namespace millrace::health
