// See report.h. Latencies are in microseconds, rates by the second.
#include "bench/load/report.h"

#include "bench/load/plan.h"
#include "bench/load/settings_json.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace millrace::bench {

using nlohmann::ordered_json;

namespace {

constexpr std::array<std::pair<const char*, double>, 5> quantiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99_9", 0.999}, {"p99_99", 0.9999}}};

double us(double ns) {
  return std::round(ns / 10) / 100;
}
double us(std::uint64_t ns) {
  return us(static_cast<double>(ns));
}
double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

double window_s(const Results& results) {
  return static_cast<double>(results.window_ns) / 1e9;
}
double rate(std::uint64_t count, const Results& results) {
  return results.window_ns == 0 ? 0 : static_cast<double>(count) / window_s(results);
}

ordered_json latency_json(const Latencies& latency) {
  ordered_json json = {{"min", us(latency.min_ns())}, {"mean", us(latency.mean_ns())}};
  for (const auto& [name, quantile] : quantiles) json[name] = us(latency.quantile_ns(quantile));
  json["max"] = us(latency.max_ns());
  return json;
}

ordered_json tally_json(const Tally& tally, const Results& results) {
  const std::uint64_t bytes = tally.bytes_sent + tally.bytes_received;
  return {{"operations", tally.operations},
          {"requests", tally.requests},
          {"errors", tally.errors},
          {"bytes_sent", tally.bytes_sent},
          {"bytes_received", tally.bytes_received},
          {"operations_per_s", rounded(rate(tally.operations, results))},
          {"requests_per_s", rounded(rate(tally.requests, results))},
          {"mib_per_s", rounded(rate(bytes, results) / (1 << 20))},
          {"latency_us", latency_json(tally.latency)}};
}

const char* ending_name(Ending ending) {
  switch (ending) {
    case Ending::duration: return "duration";
    case Ending::requests: return "requests";
    case Ending::objects: return "objects";
    case Ending::interrupted: break;
  }
  return "interrupted";
}

ordered_json series_json(const Results& results) {
  ordered_json series = ordered_json::array();
  for (std::size_t i = 0; i < results.seconds.size(); ++i) {
    const Second& second = results.seconds[i];
    Latencies latency;
    latency.merge(second.latency);
    series.push_back({{"second", i},
                      {"operations", second.operations},
                      {"bytes", second.bytes},
                      {"errors", second.errors},
                      {"p50_us", us(latency.quantile_ns(0.5))},
                      {"p99_us", us(latency.quantile_ns(0.99))},
                      {"max_us", us(latency.max_ns())}});
  }
  return series;
}

ordered_json errors_json(const Results& results) {
  ordered_json errors = ordered_json::array();
  for (const auto& [key, count] : results.errors) {
    errors.push_back(
        {{"operation", operation_name(key.first)}, {"what", key.second}, {"count", count}});
  }
  return errors;
}

ordered_json endpoints_json(const Settings& settings, const Results& results) {
  ordered_json endpoints = ordered_json::array();
  for (std::size_t i = 0; i < results.endpoints.size() && i < settings.endpoints.size(); ++i) {
    ordered_json one = {{"endpoint", "http://" + settings.endpoints[i].authority},
                        {"connects", results.endpoints[i].connects},
                        {"connect_failures", results.endpoints[i].connect_failures},
                        {"left_out", results.endpoints[i].left_out}};
    one.update(tally_json(results.endpoints[i].tally, results));
    endpoints.push_back(std::move(one));
  }
  return endpoints;
}

ordered_json open_loop_json(const Settings& settings, const Results& results) {
  if (!settings.open_loop()) return nullptr;
  return {{"rate", settings.rate},
          {"unstarted", results.unstarted},
          {"start_delay_us", latency_json(results.start_delay)}};
}

}  // namespace

ordered_json report_json(const Settings& settings, const Results& results,
                         const std::string& date) {
  const Tally total = results.total();
  ordered_json by_operation = ordered_json::object();
  for (std::size_t i = 0; i < mixed_operations; ++i) {
    const Tally& tally = results.operations[i];
    if (tally.operations + tally.errors == 0) continue;
    by_operation[std::string(operation_name(static_cast<Operation>(i)))] =
        tally_json(tally, results);
  }
  const double processor_us = static_cast<double>(results.processor_ns) / 1000;
  const auto requests = static_cast<double>(total.requests);
  return {
      {"tool", "millrace-bench"},
      {"version", MILLRACE_VERSION},
      {"schema", report_schema},
      {"date", date},
      {"settings", settings_json(settings)},
      {"hosts", settings.hosts},
      {"plan_digest", plan_digest(settings)},
      {"window_s", rounded(window_s(results))},
      {"ended_by", ending_name(results.ending)},
      {"total", tally_json(total, results)},
      {"by_operation", std::move(by_operation)},
      {"by_endpoint", endpoints_json(settings, results)},
      {"errors", errors_json(results)},
      {"errors_outside_window", results.errors_outside},
      {"open_loop", open_loop_json(settings, results)},
      {"unfinished", results.unfinished},
      {"oldest_unfinished_ms", rounded(static_cast<double>(results.unfinished_oldest_ns) / 1e6)},
      {"requests_sent", results.requests_sent},
      {"reconnects", results.reconnects},
      {"client",
       {{"processor_s", rounded(processor_us / 1e6)},
        {"processor_us_per_request", requests > 0 ? rounded(processor_us / requests) : 0.0},
        {"busy", rounded(results.window_ns == 0
                             ? 0.0
                             : processor_us * 1000 / static_cast<double>(results.window_ns) /
                                   settings.streams())}}},
      {"series", series_json(results)}};
}

namespace {

std::string tally_line(std::string_view name, const Tally& tally, const Results& results) {
  const Latencies& l = tally.latency;
  return fmt::format(
      "{:<12}{:>11} {:>11.1f} {:>10.1f} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>10.0f} {:>8}\n",
      name, tally.operations, rate(tally.operations, results),
      rate(tally.bytes_sent + tally.bytes_received, results) / (1 << 20), us(l.mean_ns()),
      us(l.quantile_ns(0.5)), us(l.quantile_ns(0.99)), us(l.quantile_ns(0.999)), us(l.max_ns()),
      tally.errors);
}

}  // namespace

std::string report_text(const Settings& settings, const Results& results) {
  const Tally total = results.total();
  std::string text = fmt::format(
      "{:<12}{:>11} {:>11} {:>10} {:>9} {:>9} {:>9} {:>9} {:>10} {:>8}\n", "", "operations",
      "per second", "MiB/s", "mean us", "p50", "p99", "p99.9", "max", "errors");
  for (std::size_t i = 0; i < mixed_operations; ++i) {
    const Tally& tally = results.operations[i];
    if (tally.operations + tally.errors == 0) continue;
    text += tally_line(operation_name(static_cast<Operation>(i)), tally, results);
  }
  text += tally_line("all", total, results);
  if (results.endpoints.size() > 1) {
    for (std::size_t i = 0; i < results.endpoints.size() && i < settings.endpoints.size(); ++i) {
      text += settings.endpoints[i].authority + ":\n";
      text += tally_line("", results.endpoints[i].tally, results);
    }
  }
  for (const auto& [key, count] : results.errors) {
    text += fmt::format("error: {} {}: {}\n", operation_name(key.first), key.second, count);
  }
  if (results.errors_outside > 0) {
    text += fmt::format("errors before the window: {}\n", results.errors_outside);
  }
  if (results.unfinished + results.unstarted > 0) {
    text += fmt::format("not ended in the window: {}, the oldest for {:.1f} ms", results.unfinished,
                        static_cast<double>(results.unfinished_oldest_ns) / 1e6);
    text += settings.open_loop() ? fmt::format("; due and not begun: {}\n", results.unstarted)
                                 : std::string("\n");
  }
  if (settings.open_loop()) {
    text +=
        fmt::format("begun late by: p50 {:.0f} us, p99 {:.0f} us, max {:.0f} us\n",
                    us(results.start_delay.quantile_ns(0.5)),
                    us(results.start_delay.quantile_ns(0.99)), us(results.start_delay.max_ns()));
  }
  const double processor_us = static_cast<double>(results.processor_ns) / 1000;
  if (total.requests > 0 && results.window_ns > 0) {
    text += fmt::format(
        "window {:.3f} s; this client: {:.2f} us of processor time a request, {:.0f} % of {} "
        "thread{}\n",
        window_s(results), processor_us / static_cast<double>(total.requests),
        processor_us * 1e5 / static_cast<double>(results.window_ns) / settings.streams(),
        settings.streams(), settings.streams() == 1 ? "" : "s");
  }
  return text;
}

std::string report_csv(const Results& results) {
  std::string text = "second,operations,bytes,errors,p50_us,p99_us,max_us\n";
  for (const auto& row : series_json(results)) {
    text += fmt::format("{},{},{},{},{},{},{}\n", row["second"].get<std::uint64_t>(),
                        row["operations"].get<std::uint64_t>(), row["bytes"].get<std::uint64_t>(),
                        row["errors"].get<std::uint64_t>(), row["p50_us"].get<double>(),
                        row["p99_us"].get<double>(), row["max_us"].get<double>());
  }
  return text;
}

}  // namespace millrace::bench
