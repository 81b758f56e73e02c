// Publishing and reading documents by generation; see documents.h.
#include "health/cluster/documents.h"

#include "engine/small_file.h"
#include "health/cluster/digest.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>

namespace millrace::health::cluster {

using engine::Descriptor;
using engine::Result;
using nlohmann::json;

namespace {

std::string file_name(std::string_view name, std::uint64_t generation) {
  return fmt::format("{}.{}", name, generation);
}

std::optional<std::uint64_t> generation_of(std::string_view file, std::string_view name) {
  if (file.size() <= name.size() + 1 || !file.starts_with(name) || file[name.size()] != '.') {
    return std::nullopt;
  }
  const std::string_view digits = file.substr(name.size() + 1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (value == 0 || digits.front() == '0') return std::nullopt;
  return value;
}

}  // namespace

std::string document_text(std::string_view name, const Document& document) {
  json whole = {{"document", std::string(name)},
                {"generation", document.generation},
                {"schema", document_schema_known},
                {"body", json::parse(document.body)}};
  whole["digest"] = digest_of(whole);
  return whole.dump(2) + "\n";
}

std::expected<Document, std::string> parse_document(std::string_view text, std::string_view name,
                                                    std::uint64_t generation) {
  const json whole = json::parse(text, nullptr, false);
  if (!whole.is_object() || !whole.contains("document") || !whole.contains("schema") ||
      !whole["schema"].is_number_unsigned()) {
    return std::unexpected("is torn or no document of millrace");
  }
  // Before anything else: a newer schema may well have other fields.
  if (const auto schema = whole["schema"].get<std::uint64_t>(); schema > document_schema_known) {
    return std::unexpected(fmt::format("was written by a newer version (schema {}, known is {})",
                                       schema, document_schema_known));
  }
  if (!whole.contains("body") || !whole["body"].is_object() || !digest_fits(whole)) {
    return std::unexpected("is torn or was changed by hand: its digest does not fit");
  }
  if (whole["document"] != json(std::string(name)) || whole["generation"] != json(generation)) {
    return std::unexpected("is another document than its name says");
  }
  return Document{.generation = generation, .body = whole["body"].dump()};
}

Result<std::vector<std::uint64_t>> DocumentStore::generations(std::string_view name) const {
  // A descriptor of its own: a directory's has one position.
  const int fd = ::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return engine::fail_errno(errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd), &::closedir);
  if (!directory) {
    const int errnum = errno;
    ::close(fd);
    return engine::fail_errno(errnum);
  }
  std::vector<std::uint64_t> found;
  for (errno = 0; const dirent* entry = ::readdir(directory.get()); errno = 0) {
    if (const auto generation = generation_of(entry->d_name, name)) found.push_back(*generation);
  }
  if (errno != 0) return engine::fail_errno(errno);
  std::ranges::sort(found);
  return found;
}

Result<Reading> DocumentStore::read(std::string_view name) const {
  auto found = generations(name);
  if (!found) return std::unexpected(found.error());
  Reading reading;
  // Listed, and all swept since: look again.
  for (int look = 0; look < 8 && !found->empty(); ++look) {
    reading = read_newest(name, *found);
    if (reading.newest || !reading.faults.empty()) return reading;
    found = generations(name);
    if (!found) return std::unexpected(found.error());
  }
  return reading;
}

Reading DocumentStore::read_newest(std::string_view name,
                                   const std::vector<std::uint64_t>& found) const {
  Reading reading;
  for (auto generation = found.rbegin(); generation != found.rend(); ++generation) {
    const std::string file = file_name(name, *generation);
    const Descriptor fd(
        ::openat(directory_.get(), file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT) continue;  // swept since
    const auto text = fd ? engine::read_small_file(fd.get()) : engine::fail_errno(errno);
    auto document = text ? parse_document(*text, name, *generation)
                         : std::unexpected(std::string(engine::describe(text.error())));
    if (document) {
      reading.newest = std::move(*document);
      return reading;
    }
    reading.faults.push_back({path_ + "/" + file, std::move(document.error())});
  }
  return reading;
}

Result<bool> DocumentStore::is_superseded(std::string_view name, std::uint64_t generation) const {
  for (std::uint64_t ahead = 1; ahead <= generations_kept + 1; ++ahead) {
    struct stat status = {};
    if (::fstatat(directory_.get(), file_name(name, generation + ahead).c_str(), &status,
                  AT_SYMLINK_NOFOLLOW) == 0) {
      return true;
    }
    if (errno != ENOENT) return engine::fail_errno(errno);
  }
  return false;
}

Result<DocumentStore::Publication> DocumentStore::publish(std::string_view name,
                                                          const Document& document, unsigned mode) {
  auto found = generations(name);
  if (!found) return std::unexpected(found.error());
  if (!found->empty() && found->back() >= document.generation) return Publication::conflict;
  const std::string temporary = std::string(document_temporary_prefix) +
                                engine::random_text("abcdefghijklmnopqrstuvwxyz0123456789", 16);
  const auto written =
      engine::write_small_file(directory_.get(), temporary, document_text(name, document), mode);
  if (!written) return std::unexpected(written.error());
  const std::string file = file_name(name, document.generation);
  bool linked =
      ::linkat(directory_.get(), temporary.c_str(), directory_.get(), file.c_str(), 0) == 0;
  const int link_errnum = errno;
  // A call that a network filesystem has sent twice may fail although it was done.
  struct stat status = {};
  linked = linked ||
           (::fstatat(directory_.get(), temporary.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_nlink == 2);
  ::unlinkat(directory_.get(), temporary.c_str(), 0);
  if (!linked) {
    if (link_errnum == EEXIST) return Publication::conflict;
    return engine::fail_errno(link_errnum);
  }
  if (const int errnum = engine::sync_directory(directory_.get()); errnum != 0) {
    return engine::fail_errno(errnum);
  }
  // Whoever stalled before the link may have found the name free because it had been swept.
  found = generations(name);
  if (!found) return std::unexpected(found.error());
  if (!found->empty() && found->back() > document.generation + generations_kept) {
    ::unlinkat(directory_.get(), file.c_str(), 0);
    return Publication::conflict;
  }
  for (const std::uint64_t old : *found) {
    if (old + generations_kept >= document.generation) break;
    ::unlinkat(directory_.get(), file_name(name, old).c_str(), 0);
  }
  return Publication::done;
}

Result<> DocumentStore::remove(std::string_view name) {
  auto found = generations(name);
  if (!found) return std::unexpected(found.error());
  for (const std::uint64_t generation : *found) {
    if (::unlinkat(directory_.get(), file_name(name, generation).c_str(), 0) < 0 &&
        errno != ENOENT) {
      return engine::fail_errno(errno);
    }
  }
  if (const int errnum = engine::sync_directory(directory_.get()); errnum != 0) {
    return engine::fail_errno(errnum);
  }
  return {};
}

}  // namespace millrace::health::cluster
