// Files of the cluster's directory; see config_directory.h.
#include "health/cluster/config_directory.h"

#include "engine/small_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <tuple>

namespace millrace::health::cluster {

using engine::Descriptor;
using engine::Result;
using nlohmann::json;

namespace {

// Of one writer; then it begins anew. Below what is read of a file at most.
constexpr std::size_t events_bytes_max = 512 * 1024;
constexpr const char* event_members[] = {"time", "by", "event", "subject", "text"};
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Result<Descriptor> open_folder(int parent, const char* name, bool make) {
  if (make && ::mkdirat(parent, name, 0700) < 0 && errno != EEXIST) {
    return engine::fail_errno(errno);
  }
  Descriptor folder(::openat(parent, name, directory_flags));
  if (!folder) return engine::fail_errno(errno);
  return folder;
}

std::vector<std::string> files_of(int folder) {
  std::vector<std::string> names;
  const int fd = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd), &::closedir);
  if (!directory) return ::close(fd), names;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

// To the millisecond, so that events of one writer sort as they came.
std::string wall_time() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(now.tv_sec),
                     now.tv_nsec / 1'000'000);
}

// Of a file that others write in place: this kernel may have kept what was there before, for ever
// where the length is the same (GlusterFS by FUSE).
Result<std::string> fresh_text(int folder, const std::string& name) {
  const Descriptor file(
      ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return engine::fail_errno(errno);
  std::ignore = ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  return engine::read_small_file(file.get());
}

}  // namespace

Result<ConfigDirectory> ConfigDirectory::open(const std::string& directory, bool make) {
  const Descriptor root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return engine::fail_errno(errno);
  auto cluster = open_folder(root.get(), cluster_directory_name, make);
  if (!cluster) return std::unexpected(cluster.error());
  auto beats = open_folder(cluster->get(), "beats", make);
  if (!beats) return std::unexpected(beats.error());
  auto events = open_folder(cluster->get(), "events", make);
  if (!events) return std::unexpected(events.error());
  if (make) {
    for (const int fd : {cluster->get(), root.get()}) {
      if (const int errnum = engine::sync_directory(fd); errnum != 0) {
        return engine::fail_errno(errnum);
      }
    }
  }
  return ConfigDirectory(
      DocumentStore(std::move(*cluster), directory + "/" + cluster_directory_name),
      std::move(*beats), std::move(*events));
}

Result<ClusterReading> ConfigDirectory::read() const {
  auto found = documents_.read(cluster_document);
  if (!found) return std::unexpected(found.error());
  ClusterReading reading;
  reading.faults = std::move(found->faults);
  if (!found->newest) return reading;
  auto configuration = configuration_of(found->newest->body);
  if (!configuration) {
    reading.faults.push_back(
        {fmt::format("{}/{}.{}", path(), cluster_document, found->newest->generation),
         std::move(configuration.error())});
    return reading;
  }
  reading.generation = found->newest->generation;
  reading.configuration = std::move(*configuration);
  return reading;
}

Result<DocumentStore::Publication> ConfigDirectory::publish(const Configuration& configuration,
                                                            std::uint64_t generation) {
  return documents_.publish(cluster_document,
                            {.generation = generation, .body = to_body(configuration)}, 0600);
}

namespace {
std::string secrets_name(std::string_view cluster) {
  return std::string(secrets_document_prefix) + std::string(cluster);
}
}  // namespace

Result<std::optional<Secrets>> ConfigDirectory::read_secrets(std::string_view cluster) const {
  const auto found = documents_.read(secrets_name(cluster));
  if (!found) return std::unexpected(found.error());
  if (!found->faults.empty()) return engine::fail(engine::Errc::corrupt);
  if (!found->newest) return std::nullopt;
  auto secrets = secrets_of(found->newest->body);
  if (!secrets) return engine::fail(engine::Errc::corrupt);
  return std::optional(std::move(*secrets));
}

Result<> ConfigDirectory::publish_secrets(std::string_view cluster, const Secrets& secrets) {
  const auto published =
      documents_.publish(secrets_name(cluster), {.generation = 1, .body = to_body(secrets)}, 0600);
  if (!published) return std::unexpected(published.error());
  // Ids are random.
  if (*published == DocumentStore::Publication::conflict) return engine::fail_errno(EEXIST);
  return {};
}

Result<> ConfigDirectory::remove_secrets(std::string_view cluster) {
  return documents_.remove(secrets_name(cluster));
}

Result<> ConfigDirectory::write_beat(const Beat& beat) const {
  Descriptor file(
      ::openat(beats_.get(), beat.name.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return engine::fail_errno(errno);
  std::string text = beat_text(beat);
  // So that the next one is seldom shorter: between writing and cutting a reader meets both.
  constexpr std::size_t step = 512;
  text.resize((text.size() + step - 1) / step * step, ' ');
  text.back() = '\n';
  const ssize_t written = ::pwrite(file.get(), text.data(), text.size(), 0);
  if (written < 0) return engine::fail_errno(errno);
  if (static_cast<std::size_t>(written) != text.size()) return engine::fail_errno(ENOSPC);
  if (::ftruncate(file.get(), static_cast<off_t>(text.size())) < 0) {
    return engine::fail_errno(errno);
  }
  // Where writes are late, their errors come with this.
  if (::close(file.release()) < 0) return engine::fail_errno(errno);
  return {};
}

Result<std::optional<Beat>> ConfigDirectory::look_for_beat(std::string_view name) const {
  constexpr int looks_max = 3;  // a torn one is whole again at once
  for (int look = 0; look < looks_max; ++look) {
    const auto text = fresh_text(beats_.get(), std::string(name));
    if (!text && text.error().is(ENOENT)) break;
    if (!text) return std::unexpected(text.error());
    auto beat = parse_beat(*text);
    if (beat && beat->name == name) return std::optional(std::move(*beat));
  }
  return std::nullopt;
}

Result<Descriptor> ConfigDirectory::lock_name(std::string_view name) const {
  Descriptor file(::openat(beats_.get(), std::string(name).c_str(),
                           O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return engine::fail_errno(errno);
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_OFD_SETLK, &whole) < 0) {
    return engine::fail_errno(errno == EACCES ? EAGAIN : errno);
  }
  return file;
}

void ConfigDirectory::append_event(std::string_view writer, std::string_view event,
                                   std::string_view subject, std::string_view text) const {
  const Descriptor file(::openat(events_.get(), std::string(writer).c_str(),
                                 O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return;
  struct stat status = {};
  const json line = {{"time", wall_time()},
                     {"by", std::string(writer)},
                     {"event", std::string(event)},
                     {"subject", std::string(subject)},
                     {"text", std::string(text)}};
  const std::string bytes = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  if (::fstat(file.get(), &status) == 0 &&
      status.st_size + static_cast<off_t>(bytes.size()) > static_cast<off_t>(events_bytes_max)) {
    std::ignore = ::ftruncate(file.get(), 0);
  }
  std::ignore = ::write(file.get(), bytes.data(), bytes.size());
}

std::vector<std::string> ConfigDirectory::read_events() const {
  struct Line {
    std::string time;
    std::string text;
  };
  std::vector<Line> lines;
  for (const std::string& name : files_of(events_.get())) {
    const std::string text = fresh_text(events_.get(), name).value_or(std::string());
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      at = end + 1;
      const json parsed = json::parse(line, nullptr, false);
      const bool whole =
          parsed.is_object() && std::ranges::all_of(event_members, [&](const char* member) {
            return parsed.contains(member) && parsed[member].is_string();
          });
      if (!whole) continue;  // torn, or not ours
      lines.push_back({parsed["time"].get<std::string>(), line});
    }
  }
  std::ranges::sort(lines, {}, [](const Line& line) { return std::tie(line.time, line.text); });
  std::vector<std::string> texts;
  for (Line& line : lines) texts.push_back(std::move(line.text));
  return texts;
}

Result<> ConfigDirectory::remove_contents() {
  for (const int folder : descriptors()) {
    for (const std::string& name : files_of(folder)) {
      const bool document = folder == documents_.fd();
      if (document && !name.starts_with(document_temporary_prefix)) continue;
      if (::unlinkat(folder, name.c_str(), 0) < 0 && errno != ENOENT) {
        return engine::fail_errno(errno);
      }
    }
  }
  return {};
}

}  // namespace millrace::health::cluster
