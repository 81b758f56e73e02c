// See copy_source.h.
#include "s3/copy_source.h"

#include "s3/auth/percent.h"
#include "s3/query.h"

#include <algorithm>

namespace millrace::s3 {

namespace {

constexpr std::string_view source_name = "x-amz-copy-source";
constexpr std::string_view range_name = "x-amz-copy-source-range";
constexpr std::string_view version_mark = "?versionId=";

Outcome<> check_version(std::string_view version) {
  if (decodes_to(version, "null", Case::exact)) return {};
  return refuse(ErrorCode::no_such_version);
}

}  // namespace

Outcome<CopySource> parse_copy_source(std::string_view header) {
  const auto wrong = [header](std::string_view why) {
    return refuse_argument(why, source_name, header);
  };
  std::string_view raw = header;
  const auto mark = raw.rfind(version_mark);
  if (mark != std::string_view::npos) {
    const auto version = check_version(raw.substr(mark + version_mark.size()));
    if (!version) return std::unexpected(version.error());
    raw = raw.substr(0, mark);
  }
  if (!percent_valid(raw)) return wrong("Invalid copy source encoding.");
  // Room for more than any valid source, so that a key that is too long is known as that.
  std::array<char, 4 * store::key_bytes_max> room;
  const auto decoded = percent_decode(raw, UriPart::query, room);
  if (!decoded) return wrong("Invalid copy source object key");
  std::string_view text = *decoded;
  if (text.starts_with('/')) text.remove_prefix(1);
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) {
    return wrong("Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
  }
  const std::string_view bucket = text.substr(0, slash);
  if (!store::bucket_name_valid(bucket)) return wrong("Invalid copy source bucket name");
  const auto key = store::Key::from_decoded(text.substr(slash + 1));
  if (!key) return wrong("Invalid copy source object key");
  CopySource source{
      .bucket_text = {}, .bucket_bytes = static_cast<std::uint8_t>(bucket.size()), .key = *key};
  std::ranges::copy(bucket, source.bucket_text.begin());
  return source;
}

Outcome<CopyRange> parse_copy_range(std::string_view header, std::uint64_t source_bytes) {
  constexpr std::string_view unit = "bytes=";
  std::string_view text = header;
  const bool has_unit = text.starts_with(unit);
  if (has_unit) text.remove_prefix(unit.size());
  const auto dash = text.find('-');
  const auto first = parse_decimal(text.substr(0, dash), ~0ULL);
  const auto last =
      dash == std::string_view::npos ? std::nullopt : parse_decimal(text.substr(dash + 1), ~0ULL);
  if (!has_unit || !first || !last || *first > *last) {
    return refuse_argument(
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
        "last are the zero-based offsets of the first and last bytes to copy",
        range_name, header);
  }
  if (*last >= source_bytes) {
    return refuse_argument("Range specified is not valid for source object", range_name, header);
  }
  return CopyRange{.offset = *first, .bytes = *last - *first + 1};
}

}  // namespace millrace::s3
