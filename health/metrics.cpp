// See metrics.h. Names follow Prometheus' conventions: base units, `_total` on counters,
// `_info` on constants; process_* are those that every client library exports.
#include "health/metrics.h"

#include "health/exposition.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::health {

namespace {

using engine::Counter;
using engine::OperationCounters;
using engine::StatusPage;
using Type = Exposition::Type;

struct OperationFamily {
  std::string_view name;
  std::string_view help;
  Counter OperationCounters::* counter;
};
constexpr OperationFamily operation_families[] = {
    {"millrace_requests_total", "S3 requests answered, by operation.",
     &OperationCounters::requests},
    {"millrace_received_bytes_total", "Bytes of request bodies, by operation.",
     &OperationCounters::bytes_in},
    {"millrace_sent_bytes_total", "Bytes of answers' content, by operation.",
     &OperationCounters::bytes_out},
};

struct ShardFamily {
  std::string_view name;
  Type type;
  std::string_view help;
  Counter StatusPage::* counter;
};
constexpr ShardFamily shard_families[] = {
    {"millrace_connections", Type::gauge, "Open connections.", &StatusPage::connections},
    {"millrace_connections_accepted_total", Type::counter, "Connections accepted.",
     &StatusPage::connections_accepted},
    {"millrace_connections_refused_total", Type::counter,
     "Connections closed at once because the shard had its maximum.",
     &StatusPage::connections_refused},
    {"millrace_connections_reset_total", Type::counter,
     "Connections ended by a reset because input was left unread after an error.",
     &StatusPage::connections_reset},
    {"millrace_tls_handshakes_total", Type::counter, "TLS handshakes that ended well.",
     &StatusPage::tls_handshakes},
    {"millrace_tls_handshakes_failed_total", Type::counter,
     "TLS handshakes that failed, and connections in clear text to a port that speaks TLS.",
     &StatusPage::tls_handshakes_failed},
    {"millrace_requests_active", Type::gauge, "Requests being served.",
     &StatusPage::requests_active},
    {"millrace_receive_starved_total", Type::counter,
     "Times a connection wanted a receive buffer when none was left.",
     &StatusPage::receive_starved},
    {"millrace_body_buffers_in_use", Type::gauge, "Body buffers in use.",
     &StatusPage::body_buffers_in_use},
    {"millrace_objects_kept", Type::gauge, "Objects that are kept open for their next read.",
     &StatusPage::objects_kept},
    {"millrace_objects_kept_hits_total", Type::counter,
     "Reads that found their object kept open and unchanged.", &StatusPage::objects_kept_hits},
    {"millrace_buffer_waiters", Type::gauge, "Requests that wait for a buffer.",
     &StatusPage::buffer_waiters},
    {"millrace_sync_failures_total", Type::counter,
     "Syncs of files and directories that failed: the filesystem may have lost what it had taken.",
     &StatusPage::sync_failures},
    {"millrace_log_lines_dropped_total", Type::counter,
     "Log lines dropped because the log could not be written fast enough.",
     &StatusPage::log_lines_dropped},
    {"millrace_shard_turns_total", Type::counter, "Turns of the shard's loop.", &StatusPage::turns},
};

std::uint64_t sum(const MetricsFacts& facts, std::size_t operation,
                  Counter OperationCounters::* counter) {
  std::uint64_t total = 0;
  for (const auto& page : facts.frontends) total += (page.operations[operation].*counter).get();
  return total;
}

// Calls `visit(name, index)` for each operation that has a name.
template <class Visit>
void for_each_operation(const MetricsFacts& facts, Visit visit) {
  const std::size_t count = std::min(facts.operations.size(), StatusPage::operations_max);
  for (std::size_t index = 0; index < count; ++index) {
    if (!facts.operations[index].empty()) visit(facts.operations[index], index);
  }
}

void append_operations(Exposition& out, const MetricsFacts& facts) {
  for (const auto& family : operation_families) {
    out.family(family.name, Type::counter, family.help);
    for_each_operation(facts, [&](std::string_view name, std::size_t index) {
      out.sample({{"operation", name}}, sum(facts, index, family.counter));
    });
  }
  out.family("millrace_request_errors_total", Type::counter,
             "S3 requests answered with an error, by operation and by who is at fault.");
  for_each_operation(facts, [&](std::string_view name, std::size_t index) {
    out.sample({{"operation", name}, {"fault", "client"}},
               sum(facts, index, &OperationCounters::client_errors));
    out.sample({{"operation", name}, {"fault", "server"}},
               sum(facts, index, &OperationCounters::server_errors));
  });
  // Two dozen lines each, so only for operations that have been asked for.
  out.family("millrace_request_duration_seconds", Type::histogram,
             "Time from the first byte of a request to the last of its answer, by operation.");
  for_each_operation(facts, [&](std::string_view name, std::size_t index) {
    if (sum(facts, index, &OperationCounters::requests) == 0) return;
    out.histogram({"operation", name}, facts.frontends, index);
  });
}

// Calls `visit(label, page)` for each frontend and the health shard.
template <class Visit>
void for_each_shard(const MetricsFacts& facts, Visit visit) {
  std::size_t index = 0;
  for (const auto& page : facts.frontends) visit(fmt::format("{}", index++), page);
  if (facts.health_page != nullptr) visit(std::string("health"), *facts.health_page);
}

void append_shards(Exposition& out, const MetricsFacts& facts) {
  for (const auto& family : shard_families) {
    out.family(family.name, family.type, family.help);
    for_each_shard(facts, [&](const std::string& shard, const StatusPage& page) {
      out.sample({{"shard", shard}}, (page.*family.counter).get());
    });
  }
  out.family("millrace_shard_busy_seconds_total", Type::counter,
             "Time the shard's loop spent working; its rate is the part of a core in use.");
  for_each_shard(facts, [&](const std::string& shard, const StatusPage& page) {
    out.sample({{"shard", shard}}, static_cast<double>(page.busy_ns.get()) * 1e-9);
  });
  out.family("millrace_shard_heartbeat_age_seconds", Type::gauge,
             "Time since the shard's last turn; left out until it has turned.");
  for_each_shard(facts, [&](const std::string& shard, const StatusPage& page) {
    const std::uint64_t heard = page.heartbeat_ns.get();
    if (heard == 0) return;
    const std::uint64_t age = facts.now_ns > heard ? facts.now_ns - heard : 0;
    out.sample({{"shard", shard}}, static_cast<double>(age) * 1e-9);
  });
}

void append_filesystems(Exposition& out, const MetricsFacts& facts) {
  out.family("millrace_filesystem_state", Type::gauge,
             "1 for the state that the filesystem is in, 0 for the others.");
  for (const auto& each : facts.filesystems) {
    for (std::size_t state = 0; state < filesystem_state_count; ++state) {
      const auto value = static_cast<FilesystemState>(state);
      out.sample({{"filesystem", each.directory}, {"state", filesystem_state_name(value)}},
                 std::uint64_t{each.verdict.state == value});
    }
  }
  out.family("millrace_filesystem_state_age_seconds", Type::gauge,
             "Time since the filesystem entered its state.");
  for (const auto& each : facts.filesystems) {
    const std::uint64_t since = each.verdict.since_ns;
    const std::uint64_t age = since != 0 && facts.now_ns > since ? facts.now_ns - since : 0;
    out.sample({{"filesystem", each.directory}}, static_cast<double>(age) * 1e-9);
  }
  out.family("millrace_filesystem_error_number", Type::gauge,
             "errno of the last probe that failed, 0 while they succeed.");
  for (const auto& each : facts.filesystems) {
    out.sample({{"filesystem", each.directory}}, static_cast<std::uint64_t>(each.verdict.errnum));
  }
  out.family("millrace_filesystem_probes_total", Type::counter, "Probes that have ended.");
  for (const auto& each : facts.filesystems) {
    out.sample({{"filesystem", each.directory}}, each.rounds);
  }
  out.family("millrace_filesystem_probes_failed_total", Type::counter, "Probes that failed.");
  for (const auto& each : facts.filesystems) {
    out.sample({{"filesystem", each.directory}}, each.rounds_failed);
  }
  out.family("millrace_filesystem_probe_duration_seconds", Type::gauge,
             "How long the last probe took that has ended.");
  for (const auto& each : facts.filesystems) {
    out.sample({{"filesystem", each.directory}}, static_cast<double>(each.duration_ns) * 1e-9);
  }
}

void append_readiness(Exposition& out, const MetricsFacts& facts) {
  out.family("millrace_ready", Type::gauge, "1 when health checks are answered with 200.");
  out.sample({}, std::uint64_t{facts.view.ready()});
  out.family("millrace_not_ready", Type::gauge, "1 for the reason of the 503, 0 for the others.");
  for (std::size_t index = 1; index < reason_count; ++index) {
    const auto reason = static_cast<Reason>(index);
    out.sample({{"reason", reason_text(reason)}}, std::uint64_t{facts.view.reason == reason});
  }
  const Load& load = facts.view.load;
  out.family("millrace_load_score", Type::gauge,
             "The larger of active requests and memory, each against its maximum.");
  out.sample({}, score(load));
  out.family("millrace_requests_active_max", Type::gauge,
             "Active requests that count as a full load.");
  out.sample({}, load.requests_max);
  out.family("millrace_memory_max_bytes", Type::gauge, "Memory that counts as a full load.");
  out.sample({}, load.memory_max_bytes);
}

void append_process(Exposition& out, const MetricsFacts& facts) {
  out.family("millrace_build_info", Type::gauge, "Always 1; the label tells the version.");
  out.sample({{"version", facts.version}}, std::uint64_t{1});
  out.family("millrace_durability_info", Type::gauge,
             "Always 1; the label tells what is on stable storage before an answer.");
  out.sample({{"mode", facts.durability}}, std::uint64_t{1});
  if (facts.tls_expires_at != 0) {
    out.family("millrace_tls_certificate_expires_seconds", Type::gauge,
               "When the certificate ends that new connections are shown, since 1970.");
    out.sample({}, static_cast<double>(facts.tls_expires_at));
  }
  const ProcessFacts& process = facts.process;
  out.family("process_resident_memory_bytes", Type::gauge, "Resident memory.");
  out.sample({}, process.resident_bytes);
  out.family("process_open_fds", Type::gauge, "Open file descriptors.");
  out.sample({}, process.open_descriptors);
  out.family("process_max_fds", Type::gauge, "Limit of open file descriptors.");
  out.sample({}, process.descriptors_max);
  out.family("process_cpu_seconds_total", Type::counter, "CPU time, user and system.");
  out.sample({}, process.cpu_seconds);
  out.family("process_start_time_seconds", Type::gauge, "Start of the process since 1970.");
  out.sample({}, process.start_time_seconds);
}

struct ClusterFamily {
  std::string_view name;
  Type type;
  std::string_view help;
  std::atomic<std::uint64_t> cluster::Figures::* figure;
};
using cluster::Figures;
constexpr ClusterFamily cluster_families[] = {
    {"millrace_cluster_generation", Type::gauge,
     "The generation of the cluster's configuration that this container goes by.",
     &Figures::generation},
    {"millrace_cluster_containers", Type::gauge, "Containers that the cluster's configuration has.",
     &Figures::containers},
    {"millrace_cluster_containers_active", Type::gauge,
     "Containers that this one sees alive and taking requests, itself included.",
     &Figures::containers_active},
    {"millrace_cluster_containers_by_beat_alone", Type::gauge,
     "Containers that live by the configuration filesystem, but that the network does not reach.",
     &Figures::containers_by_beat_alone},
    {"millrace_cluster_document_faults", Type::gauge,
     "Documents that can't be used: torn, foreign or of a newer version.", &Figures::faults},
    {"millrace_cluster_probes_total", Type::counter, "Probes of other containers.",
     &Figures::probes},
    {"millrace_cluster_probes_unanswered_total", Type::counter,
     "Probes that neither the container nor anybody else on its behalf answered.",
     &Figures::probes_unanswered},
    {"millrace_cluster_doubts_total", Type::counter,
     "Doubts whether a container lives that began here.", &Figures::doubts},
    {"millrace_cluster_refutations_total", Type::counter,
     "Times that this container took back what others thought of it.", &Figures::refutations},
    {"millrace_cluster_beats_read_total", Type::counter,
     "Beats of other containers that were read from the configuration filesystem.",
     &Figures::beats_read},
    {"millrace_cluster_datagrams_sent_total", Type::counter, "Datagrams to other containers.",
     &Figures::datagrams_sent},
    {"millrace_cluster_datagram_sent_bytes_total", Type::counter,
     "Bytes of datagrams to other containers.", &Figures::datagram_bytes_sent},
    {"millrace_cluster_datagrams_received_total", Type::counter,
     "Datagrams that came, refused ones included.", &Figures::datagrams_received},
    {"millrace_cluster_datagrams_refused_total", Type::counter,
     "Datagrams that this cluster's key had not sealed, or not of the form.",
     &Figures::datagrams_refused},
    {"millrace_cluster_datagrams_stale_total", Type::counter,
     "Datagrams of this cluster that were not fresh, or for another container.",
     &Figures::datagrams_stale},
};

void append_cluster(Exposition& out, const MetricsFacts& facts) {
  if (facts.cluster == nullptr) return;
  const Figures& figures = *facts.cluster;
  for (const auto& family : cluster_families) {
    out.family(family.name, family.type, family.help);
    out.sample({}, (figures.*family.figure).load());
  }
  out.family("millrace_cluster_drained", Type::gauge, "1 when this container is drained.");
  out.sample({}, std::uint64_t{figures.drained.load()});
  const std::uint64_t heard = figures.heard_ns;
  const std::uint64_t age = heard != 0 && facts.now_ns > heard ? facts.now_ns - heard : 0;
  out.family("millrace_cluster_configuration_age_seconds", Type::gauge,
             "Time since the configuration filesystem last took this container's beat.");
  out.sample({}, static_cast<double>(age) * 1e-9);
}

}  // namespace

void append_metrics(std::string& out, const MetricsFacts& facts) {
  Exposition exposition(out);
  append_process(exposition, facts);
  append_readiness(exposition, facts);
  append_cluster(exposition, facts);
  append_filesystems(exposition, facts);
  append_shards(exposition, facts);
  append_operations(exposition, facts);
}

}  // namespace millrace::health
