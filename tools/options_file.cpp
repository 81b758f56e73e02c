// Settings from the configuration file and from the environment. Main thread, at start.
#include "engine/small_file.h"
#include "tools/options.h"
#include "tools/toml_document.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::tools {
namespace {

// Steps of one character (insert, remove, replace) from `a` to `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t at = 0; at <= b.size(); ++at) row[at] = at;
  for (std::size_t left = 1; left <= a.size(); ++left) {
    std::size_t diagonal = row[0];
    row[0] = left;
    for (std::size_t right = 1; right <= b.size(); ++right) {
      const std::size_t replaced = diagonal + (a[left - 1] == b[right - 1] ? 0 : 1);
      diagonal = row[right];
      row[right] = std::min({row[right] + 1, row[right - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view unknown, std::span<const std::string> known) {
  std::size_t nearest = 3;  // farther names are no typing mistakes
  std::string_view best;
  for (const std::string& name : known) {
    const std::size_t steps = distance(unknown, name);
    if (steps < nearest) {
      nearest = steps;
      best = name;
    }
  }
  return best.empty() ? std::string() : fmt::format("did you mean {}?", best);
}

Allowed<Settings> settings_from_file(const std::string& path) {
  const auto text = engine::read_small_file(path);
  if (!text.has_value()) {
    return refuse(path, engine::describe(text.error()), "give --config a file that can be read");
  }
  auto entries = parse_toml(*text, path);
  if (!entries.has_value()) return std::unexpected(std::move(entries.error()));
  Settings settings;
  for (TomlEntry& entry : *entries) {
    const std::string place = fmt::format("{}:{}", path, entry.line);
    if (find_setting(entry.key) == nullptr) {
      std::vector<std::string> known;
      for (const SettingSpec& spec : setting_specs()) known.emplace_back(spec.key);
      std::string remedy = nearest_name(entry.key, known);
      if (remedy.empty()) remedy = "`millrace serve --help` lists the keys";
      return refuse(place, fmt::format("unknown key \"{}\"", entry.key), std::move(remedy));
    }
    const std::string origin = fmt::format("{}: {}", place, entry.key);
    if (!entry.plain) {
      return refuse(origin, "is neither a text nor a number nor an array of those",
                    "write the value in double quotes");
    }
    settings.emplace(entry.key, SettingValue{origin, std::move(entry.values)});
  }
  return settings;
}

Settings settings_from_environment(const char* const* environment) {
  Settings settings;
  for (; *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const std::size_t equals = variable.find('=');
    if (equals == std::string_view::npos || equals + 1 == variable.size()) continue;
    for (const SettingSpec& spec : setting_specs()) {
      const std::string name = environment_name(spec.key);
      if (variable.substr(0, equals) != name) continue;
      settings.emplace(spec.key, SettingValue{name, {std::string(variable.substr(equals + 1))}});
    }
  }
  return settings;
}

}  // namespace millrace::tools
