// Results between agents and their coordinator: everything, histograms bucket by bucket. See
// report.h.
#include "bench/load/json_fields.h"
#include "bench/load/limits.h"
#include "bench/load/report.h"

#include <algorithm>

namespace millrace::bench {

using nlohmann::ordered_json;

namespace {

ordered_json packed_json(const Latencies::Packed& packed) {
  return {{"buckets", packed.buckets},
          {"min_ns", packed.min_ns},
          {"max_ns", packed.max_ns},
          {"sum_ns", packed.sum_ns}};
}

Latencies::Packed packed_from(const ordered_json& json) {
  Latencies::Packed packed;
  read_field(json, "min_ns", packed.min_ns);
  read_field(json, "max_ns", packed.max_ns);
  read_field(json, "sum_ns", packed.sum_ns);
  for (const auto& bucket : field(json, "buckets", ordered_json::array())) {
    if (!bucket.is_array() || bucket.size() != 2 || !bucket[0].is_number_unsigned() ||
        !bucket[1].is_number_unsigned()) {
      continue;
    }
    packed.buckets.emplace_back(bucket[0].get<std::uint32_t>(), bucket[1].get<std::uint64_t>());
  }
  return packed;
}

ordered_json tally_all(const Tally& tally) {
  return {{"operations", tally.operations}, {"requests", tally.requests},
          {"bytes_sent", tally.bytes_sent}, {"bytes_received", tally.bytes_received},
          {"errors", tally.errors},         {"latency", packed_json(tally.latency.pack())}};
}

Tally tally_from(const ordered_json& json) {
  Tally tally;
  read_field(json, "operations", tally.operations);
  read_field(json, "requests", tally.requests);
  read_field(json, "bytes_sent", tally.bytes_sent);
  read_field(json, "bytes_received", tally.bytes_received);
  read_field(json, "errors", tally.errors);
  tally.latency.merge(packed_from(field(json, "latency")));
  return tally;
}

void read_seconds(const ordered_json& json, Results& results) {
  for (const auto& one : field(json, "seconds", ordered_json::array())) {
    if (results.seconds.size() == limits::seconds_max) return;
    Second second;
    read_field(one, "operations", second.operations);
    read_field(one, "bytes", second.bytes);
    read_field(one, "errors", second.errors);
    second.latency = packed_from(field(one, "latency"));
    results.seconds.push_back(std::move(second));
  }
}

void read_endpoints(const ordered_json& json, Results& results) {
  for (const auto& one : field(json, "endpoints", ordered_json::array())) {
    if (results.endpoints.size() == limits::endpoints_max) return;
    EndpointTally endpoint{.tally = tally_from(field(one, "tally"))};
    read_field(one, "connects", endpoint.connects);
    read_field(one, "connect_failures", endpoint.connect_failures);
    read_field(one, "left_out", endpoint.left_out);
    results.endpoints.push_back(std::move(endpoint));
  }
}

void read_errors(const ordered_json& json, Results& results) {
  for (const auto& one : field(json, "errors", ordered_json::array())) {
    std::uint64_t operation = operation_count;
    std::uint64_t count = 0;
    read_field(one, "operation", operation);
    read_field(one, "count", count);
    if (operation >= operation_count || results.errors.size() == limits::error_kinds_max) continue;
    results.errors[{static_cast<Operation>(operation), text_field(one, "what")}] += count;
  }
}

}  // namespace

ordered_json results_json(const Results& results) {
  ordered_json operations = ordered_json::array();
  for (const Tally& tally : results.operations) operations.push_back(tally_all(tally));
  ordered_json endpoints = ordered_json::array();
  for (const EndpointTally& one : results.endpoints) {
    endpoints.push_back({{"tally", tally_all(one.tally)},
                         {"connects", one.connects},
                         {"connect_failures", one.connect_failures},
                         {"left_out", one.left_out}});
  }
  ordered_json errors = ordered_json::array();
  for (const auto& [key, count] : results.errors) {
    errors.push_back({{"operation", static_cast<std::uint64_t>(key.first)},
                      {"what", key.second},
                      {"count", count}});
  }
  ordered_json seconds = ordered_json::array();
  for (const Second& second : results.seconds) {
    seconds.push_back({{"operations", second.operations},
                       {"bytes", second.bytes},
                       {"errors", second.errors},
                       {"latency", packed_json(second.latency)}});
  }
  return {{"operations", std::move(operations)},
          {"endpoints", std::move(endpoints)},
          {"errors", std::move(errors)},
          {"seconds", std::move(seconds)},
          {"window_ns", results.window_ns},
          {"ending", static_cast<std::uint64_t>(results.ending)},
          {"requests_sent", results.requests_sent},
          {"reconnects", results.reconnects},
          {"errors_outside", results.errors_outside},
          {"unfinished", results.unfinished},
          {"unfinished_oldest_ns", results.unfinished_oldest_ns},
          {"unstarted", results.unstarted},
          {"start_delay", packed_json(results.start_delay.pack())},
          {"processor_ns", results.processor_ns}};
}

Results results_from_json(const ordered_json& json) {
  Results results;
  const ordered_json operations = field(json, "operations", ordered_json::array());
  std::size_t index = 0;
  for (const ordered_json& operation : operations) {
    if (index < operation_count) results.operations[index++] = tally_from(operation);
  }
  read_endpoints(json, results);
  read_errors(json, results);
  read_seconds(json, results);
  read_field(json, "window_ns", results.window_ns);
  std::uint64_t ending = 0;
  read_field(json, "ending", ending);
  results.ending = static_cast<Ending>(std::min<std::uint64_t>(ending, 3));
  read_field(json, "requests_sent", results.requests_sent);
  read_field(json, "reconnects", results.reconnects);
  read_field(json, "errors_outside", results.errors_outside);
  read_field(json, "unfinished", results.unfinished);
  read_field(json, "unfinished_oldest_ns", results.unfinished_oldest_ns);
  read_field(json, "unstarted", results.unstarted);
  results.start_delay.merge(packed_from(field(json, "start_delay")));
  read_field(json, "processor_ns", results.processor_ns);
  return results;
}

}  // namespace millrace::bench
