// Finding, checking and generating the root credentials. Main thread, at start.
#include "tools/credentials_file.h"

#include "engine/descriptor.h"
#include "engine/small_file.h"
#include "tools/toml_document.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace millrace::tools {
namespace {

constexpr const char* file_name = "credentials";

std::string_view variable(const char* const* environment, std::string_view name) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return {};
}

// '/' ends the access key in a SigV4 credential scope, ',' and '=' part the Authorization header.
bool access_key_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

bool secret_key_byte(char byte) {
  return byte > 0x20 && byte < 0x7f;
}

Allowed<> check_keys(const Credentials& credentials, const std::string& access_origin,
                     const std::string& secret_origin) {
  const auto& [access, secret, source] = credentials;
  if (access.size() < access_key_bytes_min || access.size() > access_key_bytes_max ||
      !std::all_of(access.begin(), access.end(), access_key_byte)) {
    return refuse(access_origin, "isn't an access key",
                  fmt::format("use {} to {} letters, digits, '-', '_' and '.'",
                              access_key_bytes_min, access_key_bytes_max));
  }
  if (secret.size() < secret_key_bytes_min || secret.size() > secret_key_bytes_max ||
      !std::all_of(secret.begin(), secret.end(), secret_key_byte)) {
    return refuse(secret_origin, "isn't a secret key",
                  fmt::format("use {} to {} printable ASCII characters without spaces",
                              secret_key_bytes_min, secret_key_bytes_max));
  }
  return {};
}

Allowed<Credentials> parse_file(std::string_view text, const std::string& path) {
  constexpr const char* form = "it holds access_key = \"...\" and secret_key = \"...\", no more";
  auto entries = parse_toml(text, path);
  if (!entries.has_value()) return std::unexpected(std::move(entries.error()));
  Credentials credentials;
  credentials.source = Credentials::Source::file;
  for (TomlEntry& entry : *entries) {
    std::string* target = entry.key == "access_key"   ? &credentials.access_key
                          : entry.key == "secret_key" ? &credentials.secret_key
                                                      : nullptr;
    if (target == nullptr) {
      return refuse(fmt::format("{}:{}", path, entry.line),
                    fmt::format("unknown key \"{}\"", entry.key), form);
    }
    if (!entry.plain || entry.values.size() != 1) {
      return refuse(fmt::format("{}:{}", path, entry.line), entry.key + " isn't one text", form);
    }
    *target = std::move(entry.values[0]);
  }
  if (auto checked = check_keys(credentials, path + ": access_key", path + ": secret_key");
      !checked.has_value()) {
    return std::unexpected(std::move(checked.error()));
  }
  return credentials;
}

Allowed<std::optional<Credentials>> read_file(int system_fd, const std::string& path) {
  const engine::Descriptor file(
      ::openat(system_fd, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file && errno == ELOOP)
    return refuse(path, "is a symbolic link", "put the file itself there");
  if (!file) return refuse_errno(path, errno, "give the file to the server's user");
  struct stat status = {};
  if (::fstat(file.get(), &status) < 0) return refuse_errno(path, errno, "look at the file");
  if (!S_ISREG(status.st_mode)) return refuse(path, "isn't a file", "remove it");
  if (status.st_uid != ::geteuid()) {
    return refuse(path, fmt::format("belongs to user {}, not to {}", status.st_uid, ::geteuid()),
                  fmt::format("run `chown {} {}`", ::geteuid(), path));
  }
  if ((status.st_mode & 07177) != 0) {
    return refuse(path, fmt::format("has mode {:04o}", status.st_mode & 07777),
                  fmt::format("run `chmod 600 {}`", path));
  }
  const auto text = engine::read_small_file(file.get());
  if (!text.has_value()) return refuse(path, engine::describe(text.error()), "look at the file");
  auto credentials = parse_file(*text, path);
  if (!credentials.has_value()) return std::unexpected(std::move(credentials.error()));
  return std::optional(std::move(*credentials));
}

Allowed<> write_file(int system_fd, const std::string& system_path,
                     const Credentials& credentials) {
  const std::string text = fmt::format(
      "# The root credentials of this data directory. Keep this file to the server's user.\n"
      "access_key = {}\nsecret_key = {}\n",
      toml_string(credentials.access_key), toml_string(credentials.secret_key));
  const auto written = engine::write_small_file(system_fd, file_name, text, 0600);
  if (written.has_value()) return {};
  return refuse(system_path + "/" + file_name,
                std::string("can't be written: ") + engine::describe(written.error()),
                "set MILLRACE_ACCESS_KEY and MILLRACE_SECRET_KEY, or make room");
}

}  // namespace

Allowed<std::optional<Credentials>> find_credentials(int system_fd, const std::string& system_path,
                                                     const char* const* environment) {
  Credentials given;
  given.access_key = variable(environment, "MILLRACE_ACCESS_KEY");
  given.secret_key = variable(environment, "MILLRACE_SECRET_KEY");
  if (given.access_key.empty() != given.secret_key.empty()) {
    const bool access = !given.access_key.empty();
    return refuse(
        access ? "MILLRACE_SECRET_KEY" : "MILLRACE_ACCESS_KEY",
        fmt::format("isn't set, but {} is", access ? "MILLRACE_ACCESS_KEY" : "MILLRACE_SECRET_KEY"),
        "set both or neither");
  }
  if (!given.access_key.empty()) {
    if (auto checked = check_keys(given, "MILLRACE_ACCESS_KEY", "MILLRACE_SECRET_KEY");
        !checked.has_value()) {
      return std::unexpected(std::move(checked.error()));
    }
    return std::optional(std::move(given));
  }
  if (system_fd < 0) return std::nullopt;
  return read_file(system_fd, system_path + "/" + file_name);
}

Allowed<Credentials> load_credentials(int system_fd, const std::string& system_path,
                                      const char* const* environment) {
  auto found = find_credentials(system_fd, system_path, environment);
  if (!found.has_value()) return std::unexpected(std::move(found.error()));
  if (found->has_value()) return std::move(**found);

  constexpr std::string_view upper_case = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  constexpr std::string_view url_safe =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  Credentials credentials;
  credentials.source = Credentials::Source::generated;
  credentials.access_key = engine::random_text(upper_case, 20);
  credentials.secret_key = engine::random_text(url_safe, 40);
  if (auto written = write_file(system_fd, system_path, credentials); !written.has_value()) {
    return std::unexpected(std::move(written.error()));
  }
  return credentials;
}

Allowed<> keep_credentials(int system_fd, const std::string& system_path,
                           const Credentials& credentials) {
  return write_file(system_fd, system_path, credentials);
}

}  // namespace millrace::tools
