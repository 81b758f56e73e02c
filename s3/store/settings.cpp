// See settings.h. A document is staged beside the staged objects, whose leftovers are swept at
// start, and then renamed to its place.
#include "s3/store/settings.h"

#include "engine/check.h"
#include "s3/limits.h"
#include "s3/store/bucket.h"
#include "s3/store/directories.h"
#include "s3/store/paths.h"
#include "s3/store/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <charconv>
#include <cstring>

namespace millrace::s3::store {

using engine::Descriptor;
using engine::Errc;
using engine::Error;
using engine::Result;
using engine::Task;
namespace file = engine::file;

namespace {

constexpr std::string_view magic = "millrace-setting";
constexpr std::string_view level = "1";
constexpr const char* directory_name = "settings";
constexpr std::size_t first_line_bytes_max = 96;
// Most documents are shorter: one read.
constexpr std::size_t first_read_bytes = 4096;
static_assert(first_read_bytes > first_line_bytes_max);

constexpr std::array<std::string_view, 4> names = {"tagging", "cors", "policy",
                                                   "public-access-block"};
constexpr std::size_t setting_name_bytes_max = 24;

std::string digest_text(std::string_view content) {
  return fmt::format("{:016x}", XXH3_64bits(content.data(), content.size()));
}

// The words of the first line; empty where there are others than five.
std::array<std::string_view, 5> words_of(std::string_view line) {
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t end = i + 1 == words.size() ? line.size() : line.find(' ');
    if (end == std::string_view::npos) return {};
    words[i] = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

// What lies where a document should be, or its directory, and is none.
bool is_foreign(const Error& error) {
  return error.is(ENOTDIR) || error.is(ELOOP) || error.is(EISDIR) || error.is(ENXIO);
}

Task<Result<Descriptor>> open_document(const StoreOptions& options, const SettingsPath& path) {
  constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
  if (options.abilities.local) {
    auto cached = file::open_cached(options.data_fd, path.c_str(), flags);
    if (cached || !cached.error().is(EAGAIN)) co_return cached;
  }
  co_return co_await file::open(options.data_fd, path.c_str(), flags);
}

// What a missing or foreign name in the path means: ENOENT where there is no such bucket.
Task<Result<>> bucket_is_there(const StoreOptions& options, std::string_view bucket) {
  const auto there = co_await bucket_exists(options, bucket);
  if (!there) co_return std::unexpected(there.error());
  co_return *there ? Result<>{} : Result<>(engine::fail_errno(ENOENT));
}

Task<Result<std::string>> read_whole(int fd) {
  std::string content(first_read_bytes, '\0');
  const auto first = co_await file::read(fd, std::as_writable_bytes(std::span(content)), 0);
  if (!first) co_return std::unexpected(first.error());
  if (*first < content.size()) {
    content.resize(*first);
    co_return content;
  }
  content.resize(first_line_bytes_max + limits::setting_bytes_max + 1);
  const auto rest =
      co_await file::read(fd, std::as_writable_bytes(std::span(content)).subspan(*first), *first);
  if (!rest) co_return std::unexpected(rest.error());
  content.resize(*first + *rest);
  co_return content;
}

void log_unreadable(std::string_view bucket, Setting setting, const Error& error) {
  engine::LogLine(engine::Shard::current().log(), engine::LogLevel::error,
                  "a bucket's setting cannot be read")
      .field("bucket", bucket)
      .field("setting", setting_name(setting))
      .field("why", describe(error));
}

// A plain file of this process's own, durable as the mode wants it, under its last name.
Task<Result<>> put_in_place(const StoreOptions& options, int staging, const char* temporary,
                            int settings, const char* name, std::string_view content) {
  const auto made = co_await file::open(staging, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!made) co_return std::unexpected(made.error());
  auto done = co_await file::write(made->get(), std::as_bytes(std::span(content)), 0);
  if (done) done = co_await sync_unless_none(options, made->get());
  if (done) done = co_await file::rename(staging, temporary, settings, name);
  if (!done) {
    std::ignore = co_await file::unlink(staging, temporary);
    co_return done;
  }
  // Where a directory's sync does nothing, the file's own carries its name.
  if (options.abilities.directory_sync != DirectorySync::works) {
    done = co_await sync_unless_none(options, made->get());
  }
  co_return done ? co_await sync_directory_unless_none(options, settings) : done;
}

}  // namespace

SettingsPath::SettingsPath(std::string_view bucket, std::string_view name) {
  CHECK(bucket.size() <= bucket_name_bytes_max && name.size() < setting_name_bytes_max);
  fmt::format_to(text_.data(), "{}/{}/{}/{}", bucket, system_name, directory_name, name);
}

std::string_view setting_name(Setting setting) {
  return names[static_cast<std::size_t>(setting)];
}

std::string encode_setting(Setting setting, std::string_view content) {
  return fmt::format("{} {} {} {} {}\n{}", magic, level, setting_name(setting), content.size(),
                     digest_text(content), content);
}

Result<std::string_view> decode_setting(Setting setting, std::string_view file) {
  const std::size_t end = file.substr(0, first_line_bytes_max).find('\n');
  if (end == std::string_view::npos) return engine::fail(Errc::corrupt);
  const auto [what, of_level, name, bytes, digest] = words_of(file.substr(0, end));
  if (what != magic) return engine::fail(Errc::corrupt);
  if (of_level != level) return engine::fail(Errc::unsupported);
  const std::string_view content = file.substr(end + 1);
  if (name != setting_name(setting) || bytes != std::to_string(content.size()) ||
      content.size() > limits::setting_bytes_max || digest != digest_text(content)) {
    return engine::fail(Errc::corrupt);
  }
  return content;
}

Task<Result<std::optional<std::string>>> read_setting(const StoreOptions& options,
                                                      std::string_view bucket, Setting setting) {
  const SettingsPath path(bucket, setting_name(setting));
  const auto opened = co_await open_document(options, path);
  if (!opened) {
    const bool foreign = is_foreign(opened.error());
    if (!foreign && !opened.error().is(ENOENT)) co_return std::unexpected(opened.error());
    const auto there = co_await bucket_is_there(options, bucket);
    if (!there) co_return std::unexpected(there.error());
    if (!foreign) co_return std::optional<std::string>();
    log_unreadable(bucket, setting, opened.error());
    co_return engine::fail(Errc::corrupt);
  }
  auto whole = co_await read_whole(opened->get());
  if (!whole && !is_foreign(whole.error())) co_return std::unexpected(whole.error());
  const auto content = whole ? decode_setting(setting, *whole)
                             : Result<std::string_view>(engine::fail(Errc::corrupt));
  if (!content) {
    log_unreadable(bucket, setting, content.error());
    co_return std::unexpected(content.error());
  }
  whole->erase(0, whole->size() - content->size());
  co_return std::optional<std::string>(std::move(*whole));
}

Task<Result<>> write_setting(const StoreOptions& options, std::string_view bucket, Setting setting,
                             std::string_view content) {
  if (content.size() > limits::setting_bytes_max) co_return engine::fail(Errc::too_large);
  if (const auto there = co_await bucket_is_there(options, bucket); !there) co_return there;
  const auto settings = co_await open_system_directory(options, bucket, directory_name);
  if (!settings) co_return std::unexpected(settings.error());
  const auto staging = co_await open_system_directory(options, bucket, "staging");
  if (!staging) co_return std::unexpected(staging.error());
  const UniqueName temporary = unique_name("s-", random_id());
  const std::string whole = encode_setting(setting, content);
  co_return co_await put_in_place(options, staging->get(), temporary.c_str(), settings->get(),
                                  setting_name(setting).data(), whole);
}

Task<Result<>> remove_setting(const StoreOptions& options, std::string_view bucket,
                              Setting setting) {
  const SettingsPath path(bucket);
  const auto settings = co_await file::open(options.data_fd, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!settings) {
    const auto there = co_await bucket_is_there(options, bucket);
    co_return there && !settings.error().is(ENOENT) ? std::unexpected(settings.error()) : there;
  }
  const auto removed = co_await file::unlink(settings->get(), setting_name(setting).data());
  if (!removed && !removed.error().is(ENOENT)) co_return removed;
  // Also where it was gone: whoever removed it may not have synced that yet.
  co_return co_await sync_directory_unless_none(options, settings->get());
}

}  // namespace millrace::s3::store
