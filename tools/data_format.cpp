// Reading, judging and writing the format file's text; see data_format.h.
#include "tools/data_format.h"

#include "tools/toml_document.h"

#include <fmt/format.h>

#include <charconv>

namespace millrace::tools {
namespace {

constexpr const char* newer_version = "start the version of millrace that wrote it, or a newer one";
constexpr const char* restore_format = "restore the file from a backup, don't remove it";

Allowed<unsigned> whole_number(const TomlEntry& entry, const std::string& path) {
  unsigned value = 0;
  const std::string text = entry.plain && entry.values.size() == 1 ? entry.values[0] : "";
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return value;
  return refuse(path, entry.key + " isn't a whole number", restore_format);
}

Allowed<> check_levels(const Format& format, const std::string& path) {
  const auto newer = [&](const char* what, unsigned found, unsigned known) {
    return refuse(path, fmt::format("{} {}, but this version knows {}", what, found, known),
                  newer_version);
  };
  if (format.layout != Format::layout_known) {
    return newer("the layout is", format.layout, Format::layout_known);
  }
  if (format.readable > Format::level_known) {
    return newer("reading it needs feature level", format.readable, Format::level_known);
  }
  if (format.writable > Format::level_known) {
    return newer("writing it needs feature level", format.writable, Format::level_known);
  }
  if (format.mode != "standalone" && format.mode != "cluster") {
    return refuse(path, fmt::format("the mode is \"{}\"", format.mode), newer_version);
  }
  return {};
}

}  // namespace

Allowed<Format> parse_format(std::string_view text, const std::string& path) {
  auto entries = parse_toml(text, path);
  if (!entries.has_value()) return refuse(path, "can't be read as a format file", restore_format);
  Format format;
  unsigned found = 0;
  for (const TomlEntry& entry : *entries) {
    unsigned* number = entry.key == "layout"     ? &format.layout
                       : entry.key == "readable" ? &format.readable
                       : entry.key == "writable" ? &format.writable
                                                 : nullptr;
    std::string* word = entry.key == "mode" ? &format.mode
                        : entry.key == "id" ? &format.id
                                            : nullptr;
    if (entry.key == "cluster" && entry.plain && entry.values.size() == 1) {
      format.cluster = entry.values[0];
    }
    if (number != nullptr) {
      auto value = whole_number(entry, path);
      if (!value.has_value()) return std::unexpected(std::move(value.error()));
      *number = *value;
      ++found;
    } else if (entry.key == "attributes") {
      format.attributes_beside = entry.values.size() == 1 && entry.values[0] == "beside";
    } else if (word != nullptr && entry.plain && entry.values.size() == 1) {
      *word = entry.values[0];
      ++found;
    }
  }
  // Levels first: a newer layout may well have dropped a field.
  if (auto levels = check_levels(format, path); !levels.has_value()) {
    return std::unexpected(std::move(levels.error()));
  }
  if (found < 5 || format.id.empty()) {
    return refuse(path, "lacks layout, readable, writable, mode or id", restore_format);
  }
  if ((format.mode == "cluster") == format.cluster.empty()) {
    return refuse(path, "its mode and its cluster do not fit", restore_format);
  }
  return format;
}

std::string format_text(const Format& format) {
  return fmt::format(
      "# Written by millrace when it first served this directory. Don't edit or remove it.\n"
      "layout = {}\nreadable = {}\nwritable = {}\nmode = {}\nid = {}\n{}{}",
      format.layout, format.readable, format.writable, toml_string(format.mode),
      toml_string(format.id),
      format.cluster.empty() ? "" : fmt::format("cluster = {}\n", toml_string(format.cluster)),
      format.attributes_beside ? "attributes = \"beside\"\n" : "");
}

Allowed<> apply_format(const Format& format, const std::string& path,
                       s3::store::Abilities& abilities) {
  if (format.attributes_beside) {
    abilities.attribute_bytes_max = 0;
  } else if (abilities.attribute_bytes_max == 0) {
    return refuse(path, "its objects have extended attributes, but files here take none now",
                  "mount the filesystem as it was when they were written");
  }
  return {};
}

Allowed<> check_standalone(const Format& format, const std::string& path) {
  if (format.cluster.empty()) return {};
  return refuse(path, fmt::format("belongs to the cluster {}", format.cluster),
                "serve it with --config-fs, or run `millrace cluster destroy` (if that cluster is "
                "lost: `cluster create --force`)");
}

}  // namespace millrace::tools
