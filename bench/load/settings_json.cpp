// See settings_json.h.
#include "bench/load/settings_json.h"

#include "bench/load/json_fields.h"

#include <fmt/format.h>

namespace millrace::bench {

using nlohmann::ordered_json;

std::string_view auth_name(Auth auth) {
  switch (auth) {
    case Auth::header: return "header";
    case Auth::presigned: return "presigned";
    case Auth::none: break;
  }
  return "none";
}

Parsed<Auth> parse_auth(std::string_view text) {
  for (const Auth auth : {Auth::header, Auth::presigned, Auth::none}) {
    if (text == auth_name(auth)) return auth;
  }
  return std::unexpected(fmt::format("\"{}\" is not header, presigned or none", text));
}

std::string_view arrival_name(Arrival arrival) {
  return arrival == Arrival::poisson ? "poisson" : "constant";
}

Parsed<Arrival> parse_arrival(std::string_view text) {
  for (const Arrival arrival : {Arrival::constant, Arrival::poisson}) {
    if (text == arrival_name(arrival)) return arrival;
  }
  return std::unexpected(fmt::format("\"{}\" is not constant or poisson", text));
}

ordered_json settings_json(const Settings& settings) {
  ordered_json endpoints = ordered_json::array();
  for (const Endpoint& endpoint : settings.endpoints) {
    endpoints.push_back("http://" + endpoint.authority);
  }
  return {{"endpoints", endpoints},
          {"bucket", settings.bucket},
          {"region", settings.identity.region},
          {"auth", auth_name(settings.auth)},
          {"sign_payload", settings.sign_payload},
          {"mix", mix_text(settings.mix)},
          {"size", size_rule_text(settings.size)},
          {"range_bytes", settings.range_bytes},
          {"part_bytes", settings.part_bytes},
          {"list_page", settings.list_page},
          {"objects", settings.objects},
          {"prefix", settings.prefix},
          {"folders", settings.folders},
          {"connections", settings.connections},
          {"threads", settings.threads},
          {"cores", settings.cores},
          {"rate", settings.rate},
          {"arrival", arrival_name(settings.arrival)},
          {"warmup_ms", settings.warmup_ms},
          {"duration_ms", settings.duration_ms},
          {"requests", settings.requests},
          {"timeout_ms", settings.timeout_ms},
          {"prepare", settings.prepare},
          {"cleanup", settings.cleanup},
          {"verify", settings.verify},
          {"seed", settings.seed},
          {"errors_max", settings.errors_max}};
}

namespace {

Parsed<void> apply_texts(const ordered_json& json, Settings& settings) {
  std::string endpoints;
  for (const auto& endpoint : field(json, "endpoints", ordered_json::array())) {
    if (!endpoint.is_string()) continue;
    endpoints += (endpoints.empty() ? "" : ",") + endpoint.get<std::string>();
  }
  auto parsed = parse_endpoints(endpoints);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  settings.endpoints = std::move(*parsed);
  const auto mix = parse_mix(text_field(json, "mix"));
  if (!mix) return std::unexpected(mix.error());
  settings.mix = *mix;
  const auto size = parse_size_rule(text_field(json, "size"));
  if (!size) return std::unexpected(size.error());
  settings.size = *size;
  const auto auth = parse_auth(text_field(json, "auth"));
  if (!auth) return std::unexpected(auth.error());
  settings.auth = *auth;
  const auto arrival = parse_arrival(text_field(json, "arrival"));
  if (!arrival) return std::unexpected(arrival.error());
  settings.arrival = *arrival;
  return {};
}

}  // namespace

Parsed<void> apply_settings_json(const ordered_json& json, Settings& settings) {
  if (!json.is_object()) return std::unexpected("settings are no JSON object");
  if (const auto applied = apply_texts(json, settings); !applied) return applied;
  settings.bucket = text_field(json, "bucket");
  settings.identity.region = text_field(json, "region");
  settings.prefix = text_field(json, "prefix");
  settings.cores.clear();
  for (const auto& core : field(json, "cores", ordered_json::array())) {
    if (core.is_number_unsigned()) settings.cores.push_back(core.get<unsigned>());
  }
  read_field(json, "sign_payload", settings.sign_payload);
  read_field(json, "range_bytes", settings.range_bytes);
  read_field(json, "part_bytes", settings.part_bytes);
  read_field(json, "list_page", settings.list_page);
  read_field(json, "objects", settings.objects);
  read_field(json, "folders", settings.folders);
  read_field(json, "connections", settings.connections);
  read_field(json, "threads", settings.threads);
  read_field(json, "rate", settings.rate);
  read_field(json, "warmup_ms", settings.warmup_ms);
  read_field(json, "duration_ms", settings.duration_ms);
  read_field(json, "requests", settings.requests);
  read_field(json, "timeout_ms", settings.timeout_ms);
  read_field(json, "prepare", settings.prepare);
  read_field(json, "cleanup", settings.cleanup);
  read_field(json, "verify", settings.verify);
  read_field(json, "seed", settings.seed);
  read_field(json, "errors_max", settings.errors_max);
  return {};
}

}  // namespace millrace::bench
