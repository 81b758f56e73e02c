// The one place that knows toml++, whose exceptions end here. Main thread.
#include "tools/toml_document.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

namespace millrace::tools {
namespace {

bool append_scalar(const toml::node& node, std::vector<std::string>& values) {
  if (const auto* text = node.as_string()) {
    values.push_back(text->get());
  } else if (const auto* number = node.as_integer()) {
    values.push_back(std::to_string(number->get()));
  } else if (const auto* fraction = node.as_floating_point()) {
    values.push_back(fmt::format("{}", fraction->get()));
  } else {
    return false;
  }
  return true;
}

TomlEntry to_entry(std::string_view key, const toml::node& node) {
  TomlEntry entry;
  entry.key = key;
  entry.line = node.source().begin.line;
  const toml::array* array = node.as_array();
  if (array == nullptr) {
    entry.plain = append_scalar(node, entry.values);
    return entry;
  }
  for (const toml::node& element : *array) {
    entry.plain = append_scalar(element, entry.values) && entry.plain;
  }
  return entry;
}

}  // namespace

Allowed<std::vector<TomlEntry>> parse_toml(std::string_view text, const std::string& path) {
  try {
    const toml::table table = toml::parse(text, path);
    std::vector<TomlEntry> entries;
    for (const auto& [key, node] : table) entries.push_back(to_entry(key, node));
    std::sort(entries.begin(), entries.end(),
              [](const TomlEntry& a, const TomlEntry& b) { return a.line < b.line; });
    return entries;
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    return refuse(fmt::format("{}:{}:{}", path, at.line, at.column), "isn't TOML",
                  "write one `key = value` on each line, texts in double quotes");
  }
}

std::string toml_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f) {
      quoted += fmt::format("\\u{:04x}", value);
    } else {
      if (byte == '"' || byte == '\\') quoted += '\\';
      quoted += byte;
    }
  }
  return quoted + "\"";
}

}  // namespace millrace::tools
