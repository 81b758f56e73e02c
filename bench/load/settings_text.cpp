// Settings as texts: mixes, sizes, durations, endpoints; see settings.h. Main thread.
#include "bench/load/settings.h"

#include "bench/load/limits.h"
#include "tools/setting_values.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace millrace::bench {
namespace {

constexpr std::array<std::string_view, operation_count> names = {
    "get", "put", "head", "delete", "list", "multipart", "range", "make-bucket"};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::optional<std::uint64_t> object_bytes(std::string_view text) {
  return tools::parse_size(text, 0, limits::object_bytes_max);
}

std::unexpected<std::string> wrong(std::string_view text, std::string_view allowed) {
  return std::unexpected(fmt::format("\"{}\" is not {}", text, allowed));
}

Parsed<SizeRule> parse_lognormal(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return wrong(text, "MEDIAN:SIGMA[:MAX]");
  const auto median = object_bytes(parts[0]);
  const auto sigma = tools::parse_fraction(parts[1], 0, 8);
  const auto most = parts.size() == 3 ? object_bytes(parts[2]) : limits::part_bytes_max;
  if (!median || *median == 0 || !sigma || !most || *most < *median) {
    return wrong(text, "MEDIAN:SIGMA[:MAX] (64KiB:1.5:16MiB)");
  }
  return SizeRule{SizeRule::Kind::lognormal, *median, *most, *sigma};
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units = {"", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{}{}", bytes, units[unit]);
}

Parsed<Endpoint> parse_endpoint(std::string_view text) {
  constexpr std::string_view clear = "http://";
  if (text.starts_with("https://")) {
    return std::unexpected(fmt::format("\"{}\": TLS is not built; give http://", text));
  }
  std::string_view rest = text;
  if (rest.starts_with(clear)) rest.remove_prefix(clear.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto refused = [&] { return wrong(text, "http://HOST[:PORT]"); };
  if (rest.empty() || rest.find_first_of("/?#@ \t\r\n") != rest.npos) return refused();
  Endpoint endpoint;
  endpoint.authority = rest;
  std::string_view port;
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == rest.npos) return refused();
    endpoint.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
  } else {
    const std::size_t colon = rest.find(':');
    endpoint.host = rest.substr(0, colon);
    port = colon == rest.npos ? std::string_view() : rest.substr(colon);
  }
  endpoint.port = 80;
  if (!port.empty()) {
    const auto number = tools::parse_whole_number(port.substr(1), 1, 65535);
    if (port.front() != ':' || !number) return refused();
    endpoint.port = static_cast<std::uint16_t>(*number);
  }
  if (endpoint.host.empty()) return refused();
  return endpoint;
}

Parsed<void> check_numbers(const Settings& s) {
  const auto within = [](const char* name, double value, double least, double most) {
    if (value >= least && value <= most) return std::string();
    return fmt::format("{}: allowed are {} to {}", name, least, most);
  };
  for (const std::string& wrong :
       {within("--threads", s.threads, 1, limits::threads_max),
        within("--connections", s.connections, 1, limits::connections_max),
        within("--objects", static_cast<double>(s.objects), 1,
               static_cast<double>(limits::objects_max)),
        within("--folders", s.folders, 1, limits::folders_max),
        within("--list-page", s.list_page, 1, 1000),
        within("hosts", s.hosts, s.host + 1, limits::hosts_max),
        within("--rate", s.rate, 0, static_cast<double>(limits::rate_max)),
        within("--prefix (bytes)", static_cast<double>(s.prefix.size()), 0,
               static_cast<double>(limits::prefix_bytes_max))}) {
    if (!wrong.empty()) return std::unexpected(wrong);
  }
  return {};
}

}  // namespace

std::string_view operation_name(Operation operation) {
  return names[static_cast<std::size_t>(operation)];
}

Parsed<Mix> parse_mix(std::string_view text) {
  constexpr std::string_view allowed =
      "a mix of get, put, head, delete, list, multipart and range (get=80,put=20)";
  Mix mix;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t sign = part.find('=');
    const auto mixed = std::span(names).first(mixed_operations);
    const auto name = std::ranges::find(mixed, part.substr(0, sign));
    const auto weight = sign == part.npos
                            ? std::optional<std::uint64_t>(1)
                            : tools::parse_whole_number(part.substr(sign + 1), 0, 1'000'000);
    if (name == mixed.end() || !weight) return wrong(text, allowed);
    mix.weights[static_cast<std::size_t>(name - mixed.begin())] +=
        static_cast<std::uint32_t>(*weight);
  }
  if (std::ranges::all_of(mix.weights, [](std::uint32_t w) { return w == 0; })) {
    return wrong(text, allowed);
  }
  return mix;
}

std::string mix_text(const Mix& mix) {
  std::string text;
  for (std::size_t i = 0; i < mixed_operations; ++i) {
    if (mix.weights[i] == 0) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", names[i], mix.weights[i]);
  }
  return text;
}

Parsed<SizeRule> parse_size_rule(std::string_view text) {
  constexpr std::string_view uniform = "uniform:";
  constexpr std::string_view lognormal = "lognormal:";
  if (text.starts_with(lognormal)) return parse_lognormal(text.substr(lognormal.size()));
  if (text.starts_with(uniform)) {
    const auto bounds = split(text.substr(uniform.size()), '-');
    const auto least = object_bytes(bounds.front());
    const auto most = object_bytes(bounds.back());
    if (bounds.size() != 2 || !least || !most || *least > *most) {
      return wrong(text, "uniform:LEAST-MOST (uniform:1KiB-1MiB)");
    }
    return SizeRule{SizeRule::Kind::uniform, *least, *most, 0};
  }
  const auto size = object_bytes(text);
  if (!size)
    return wrong(text, "a size (4KiB), uniform:LEAST-MOST or lognormal:MEDIAN:SIGMA[:MAX]");
  return SizeRule{SizeRule::Kind::fixed, *size, *size, 0};
}

std::string size_rule_text(const SizeRule& rule) {
  switch (rule.kind) {
    case SizeRule::Kind::fixed: return size_text(rule.least);
    case SizeRule::Kind::uniform:
      return fmt::format("uniform:{}-{}", size_text(rule.least), size_text(rule.most));
    case SizeRule::Kind::lognormal:
      return fmt::format("lognormal:{}:{}:{}", size_text(rule.least), rule.sigma,
                         size_text(rule.most));
  }
  return {};
}

Parsed<std::uint64_t> parse_duration_ms(std::string_view text) {
  std::string_view number = text;
  double unit_ms = 1000;
  constexpr std::array<std::pair<std::string_view, double>, 4> units = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  for (const auto& [name, ms] : units) {
    if (!number.ends_with(name)) continue;
    number.remove_suffix(name.size());
    unit_ms = ms;
    break;
  }
  const auto value = tools::parse_fraction(number, 0, 1e9);
  if (!value || *value * unit_ms > static_cast<double>(limits::duration_ms_max)) {
    return wrong(text, "a time up to 24h (500ms, 10s, 2m)");
  }
  return static_cast<std::uint64_t>(*value * unit_ms);
}

Parsed<std::vector<Endpoint>> parse_endpoints(std::string_view text) {
  std::vector<Endpoint> endpoints;
  for (const std::string_view part : split(text, ',')) {
    auto endpoint = parse_endpoint(part);
    if (!endpoint) return std::unexpected(std::move(endpoint.error()));
    endpoints.push_back(std::move(*endpoint));
  }
  if (endpoints.size() > limits::endpoints_max) {
    return std::unexpected(fmt::format("more than {} endpoints", limits::endpoints_max));
  }
  return endpoints;
}

Parsed<void> resolve(std::vector<Endpoint>& endpoints) {
  for (Endpoint& endpoint : endpoints) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(endpoint.host.c_str(),
                                     fmt::format("{}", endpoint.port).c_str(), &hints, &found);
    if (status != 0) {
      return std::unexpected(fmt::format("{}: {}", endpoint.authority, ::gai_strerror(status)));
    }
    std::memcpy(&endpoint.address, found->ai_addr, found->ai_addrlen);
    endpoint.address_bytes = found->ai_addrlen;
    ::freeaddrinfo(found);
  }
  return {};
}

Parsed<void> check_settings(const Settings& settings, bool signs) {
  const auto refuse = [](std::string why) { return std::unexpected(std::move(why)); };
  if (settings.endpoints.empty()) return refuse("--endpoint is missing");
  if (const auto checked = check_numbers(settings); !checked) return checked;
  if (settings.duration_ms == 0 && settings.requests == 0) {
    return refuse("--duration: 0 is no window");
  }
  if (settings.timeout_ms == 0) return refuse("--timeout: 0 is no time");
  if (settings.range_bytes == 0 || settings.part_bytes == 0) return refuse("parts of 0 bytes");
  if (signs && settings.auth != Auth::none && !settings.has_keys()) {
    return refuse("no credentials: give --access-key and --secret-key, or --auth none");
  }
  if (settings.connections < settings.streams()) {
    return refuse(fmt::format("{} connections are fewer than {} threads over {} hosts",
                              settings.connections, settings.streams(), settings.hosts));
  }
  if (!settings.cores.empty() && settings.cores.size() != settings.threads) {
    return refuse(fmt::format("--cores names {} processors for {} threads", settings.cores.size(),
                              settings.threads));
  }
  if (settings.mix.has(Operation::put) && settings.size.most > limits::part_bytes_max) {
    return refuse("a PUT takes up to 5 GiB; use multipart for larger objects");
  }
  if (settings.mix.has(Operation::multipart) &&
      settings.size.most / settings.part_bytes >= limits::parts_max) {
    return refuse("such an object would have more than 10000 parts");
  }
  if (settings.mix.has(Operation::range) && settings.size.least == 0) {
    return refuse("a range needs objects that are not empty");
  }
  return {};
}

}  // namespace millrace::bench
