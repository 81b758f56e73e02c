// What a bucket was told about itself: documents in BUCKET/.mr.sys/settings/, one file each, so
// that every container sees a change with its next look, and a bucket that is removed takes them
// along. Nothing is kept in memory here. Owned by the request; bucket names were checked before.
#pragma once

#include "s3/store/options.h"

#include "engine/task.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::s3::store {

enum class Setting : std::uint8_t { tagging, cors, policy, public_access_block };

// The name of its file.
std::string_view setting_name(Setting setting);

// BUCKET/.mr.sys/settings, the directory of them all, with a slash at its end; NUL-terminated.
class SettingsPath {
 public:
  explicit SettingsPath(std::string_view bucket) : SettingsPath(bucket, {}) {}
  SettingsPath(std::string_view bucket, std::string_view name);
  const char* c_str() const { return text_.data(); }

 private:
  std::array<char, 128> text_{};
};

// A document's file is one line and the content behind it:
//   millrace-setting LEVEL NAME BYTES DIGEST\n
// LEVEL is 1, BYTES the content's length in decimal, DIGEST its XXH3-64 in 16 hexadecimal digits.
std::string encode_setting(Setting setting, std::string_view content);
// The content, a view into `file`. Errors: corrupt (torn, foreign, another setting's), unsupported
// (a level that only a later version writes).
engine::Result<std::string_view> decode_setting(Setting setting, std::string_view file);

// The document, or nothing where it is not set. Errors: ENOENT (no such bucket), and corrupt or
// unsupported as above, which are logged: they are never taken for "not set".
engine::Task<engine::Result<std::optional<std::string>>> read_setting(const StoreOptions& options,
                                                                      std::string_view bucket,
                                                                      Setting setting);

// Replaces the document as a whole; readers see the one that was there or this one. Durable
// before it returns, unless the mode is none. `content` is at most limits::setting_bytes_max.
// ENOENT: no such bucket.
engine::Task<engine::Result<>> write_setting(const StoreOptions& options, std::string_view bucket,
                                             Setting setting, std::string_view content);

// Durable in the same way, also where there was nothing to remove. ENOENT: no such bucket.
engine::Task<engine::Result<>> remove_setting(const StoreOptions& options, std::string_view bucket,
                                              Setting setting);

}  // namespace millrace::s3::store
