// See object_headers.h. Header values are bytes to S3; they were checked for control characters
// when the head was parsed, and are again when they are written.
#include "s3/handlers/object_headers.h"

#include "s3/handlers/encoded_word.h"
#include "s3/limits.h"
#include "s3/query.h"
#include "s3/store/content_type.h"
#include "s3/tags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <tuple>

namespace millrace::s3::handlers {

namespace {

constexpr std::string_view meta_prefix = "x-amz-meta-";

struct KnownField {
  store::Field field;
  std::string_view request_name;
  std::string_view response_name;
  std::string_view override_name;  // of the query; empty: there is none
};
constexpr KnownField known_fields[] = {
    {store::Field::cache_control, "cache-control", "Cache-Control", "response-cache-control"},
    {store::Field::content_disposition, "content-disposition", "Content-Disposition",
     "response-content-disposition"},
    {store::Field::content_encoding, "content-encoding", "Content-Encoding",
     "response-content-encoding"},
    {store::Field::content_language, "content-language", "Content-Language",
     "response-content-language"},
    {store::Field::expires, "expires", "Expires", "response-expires"},
};

// aws-chunked is how the request travelled, not how the object is encoded.
std::string_view without_aws_chunked(std::string_view encoding) {
  constexpr std::string_view framing = "aws-chunked";
  if (!encoding.starts_with(framing)) return encoding;
  encoding.remove_prefix(framing.size());
  const auto next = encoding.find_first_not_of(" ,\t");
  return next == std::string_view::npos ? std::string_view() : encoding.substr(next);
}

bool is_user_metadata(std::string_view name) {
  return name.size() > meta_prefix.size() &&
         http::field_name_equal(name.substr(0, meta_prefix.size()), meta_prefix);
}

Outcome<> take_user_metadata(const http::Head& head, store::MetadataView& meta,
                             DescribedObject& memory) {
  std::size_t bytes = 0;
  for (const http::Field& field : head.fields()) {
    if (!is_user_metadata(field.name)) continue;
    bytes += field.name.size() - meta_prefix.size() + field.value.size();
  }
  if (bytes == 0) return {};
  if (bytes > limits::user_metadata_bytes_max) return refuse(ErrorCode::metadata_too_large);
  memory.names.reserve(bytes);  // views into it must not move
  for (const http::Field& field : head.fields()) {
    if (!is_user_metadata(field.name)) continue;
    const std::size_t begin = memory.names.size();
    for (const char c : field.name.substr(meta_prefix.size())) {
      memory.names.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
    }
    memory.pairs.push_back(
        {.name = {memory.names.data() + begin, memory.names.size() - begin}, .value = field.value});
  }
  memory.packed.resize(store::PackedPairs::packed_bytes(memory.pairs));
  const auto packed = store::PackedPairs::pack(memory.pairs, memory.packed);
  if (!packed) return refuse(ErrorCode::metadata_too_large);
  meta.user = *packed;
  return {};
}

// What does not fit into the head, or into a field of HTTP (a file's attribute can be written by
// others), is left out; S3 says how many of them there are.
void write_user_metadata(http::HeadWriter& head, const store::PackedPairs& user) {
  std::uint64_t missing = 0;
  for (const store::Pair pair : user) {
    std::array<char, meta_prefix.size() + limits::user_metadata_bytes_max> name;
    if (pair.name.size() > limits::user_metadata_bytes_max) {
      ++missing;
      continue;
    }
    std::memcpy(name.data(), meta_prefix.data(), meta_prefix.size());
    std::memcpy(name.data() + meta_prefix.size(), pair.name.data(), pair.name.size());
    const std::string_view field(name.data(), meta_prefix.size() + pair.name.size());
    const auto written = is_ascii(pair.value) ? head.field(field, pair.value)
                                              : head.field(field, encoded_words(pair.value));
    if (!written) ++missing;
  }
  if (missing > 0) std::ignore = head.field("x-amz-missing-meta", missing);
}

// A value of the query may not carry what could end the field: HeadWriter refuses it.
Outcome<> write_field(http::HeadWriter& head, std::string_view name, std::string_view stored,
                      const QueryParameters& query, std::string_view override_name) {
  std::array<char, 2048> decoded;
  std::string_view value = stored;
  if (!override_name.empty() && query.may_begin_with('r')) {
    if (const auto parameter = query.find(override_name)) {
      if (parameter->value.size() > decoded.size()) return refuse(ErrorCode::invalid_argument);
      const auto text = decode(parameter->value, decoded, UriPart::query);
      if (!text) return std::unexpected(text.error());
      value = *text;
    }
  }
  if (value.empty()) return {};
  if (!head.field(name, value)) {
    return refuse_argument("A response header may not contain control characters.", override_name,
                           {});
  }
  return {};
}

}  // namespace

Outcome<> describe_from_head(const http::Head& head, store::MetadataView& meta,
                             DescribedObject& memory) {
  meta.content_type = head.value("content-type");
  if (meta.content_type.empty()) meta.content_type = store::default_content_type;
  if (meta.content_type.size() > store::content_type_bytes_max) {
    return refuse(ErrorCode::metadata_too_large);
  }
  for (const KnownField& known : known_fields) {
    meta.field(known.field) = head.value(known.request_name);
  }
  auto& encoding = meta.field(store::Field::content_encoding);
  encoding = without_aws_chunked(encoding);
  return take_user_metadata(head, meta, memory);
}

bool overrides_headers(const QueryParameters& query) {
  if (!query.may_begin_with('r')) return false;
  if (query.find("response-content-type")) return true;
  return std::ranges::any_of(known_fields, [&query](const KnownField& known) {
    return query.find(known.override_name).has_value();
  });
}

void write_cache_headers(http::HeadWriter& head, const store::MetadataView& meta) {
  for (const auto field : {store::Field::cache_control, store::Field::expires}) {
    const std::string_view value = meta.field(field);
    const auto* known = std::ranges::find(known_fields, field, &KnownField::field);
    if (!value.empty()) std::ignore = head.field(known->response_name, value);
  }
}

Outcome<> write_object_headers(http::HeadWriter& head, const store::MetadataView& meta,
                               const QueryParameters& query, bool with_checksum) {
  if (const auto written =
          write_field(head, "Content-Type", meta.content_type, query, "response-content-type");
      !written) {
    return written;
  }
  for (const KnownField& known : known_fields) {
    const auto written =
        write_field(head, known.response_name, meta.field(known.field), query, known.override_name);
    if (!written) return written;
  }
  write_user_metadata(head, meta.user);
  if (!meta.tags.empty()) std::ignore = head.field("x-amz-tagging-count", count_tags(meta.tags));
  if (with_checksum) write_checksum(head, meta);
  return {};
}

store::ObjectChecksum stored_checksum(const ChecksumValue& value) {
  static_assert(static_cast<int>(ChecksumAlgorithm::xxhash128) ==
                static_cast<int>(store::stored_checksum_last));
  store::ObjectChecksum stored;
  stored.algorithm = static_cast<store::StoredChecksum>(value.algorithm);
  std::ranges::copy(value.bytes(), stored.value.begin());
  return stored;
}

ChecksumValue checksum_value(const store::ObjectChecksum& stored) {
  ChecksumValue value;
  value.algorithm = static_cast<ChecksumAlgorithm>(stored.algorithm);
  std::copy_n(stored.value.begin(), checksum_bytes(value.algorithm), value.raw.begin());
  return value;
}

ChecksumValue checksum_value(const store::Part& part, store::StoredChecksum algorithm) {
  ChecksumValue value{.algorithm = static_cast<ChecksumAlgorithm>(algorithm)};
  std::ranges::copy(part.checksum, value.raw.begin());
  return value;
}

void write_part_checksum(http::HeadWriter& head, const store::MetadataView& meta,
                         const store::Part& part) {
  const ChecksumValue value = checksum_value(part, meta.parts.algorithm());
  if (value.algorithm == ChecksumAlgorithm::none) return;
  const bool composite = meta.checksum.type == store::StoredChecksumType::composite;
  std::ignore = head.field(checksum_header(value.algorithm), value.base64().view());
  std::ignore = head.field("x-amz-checksum-type", composite ? "COMPOSITE" : "FULL_OBJECT");
}

void write_checksum(http::HeadWriter& head, const store::MetadataView& meta) {
  const ChecksumValue value = checksum_value(meta.checksum);
  if (value.algorithm == ChecksumAlgorithm::none) return;
  const ChecksumText text = value.base64();
  if (meta.checksum.type == store::StoredChecksumType::full_object) {
    std::ignore = head.field(checksum_header(value.algorithm), text.view());
    std::ignore = head.field("x-amz-checksum-type", "FULL_OBJECT");
    return;
  }
  std::array<char, sizeof text.chars + 12> composite;  // "VALUE-PARTS"
  char* end = std::ranges::copy(text.view(), composite.begin()).out;
  *end++ = '-';
  end = std::to_chars(end, composite.data() + composite.size(), meta.etag.parts).ptr;
  std::ignore = head.field(checksum_header(value.algorithm),
                           {composite.data(), static_cast<std::size_t>(end - composite.data())});
  std::ignore = head.field("x-amz-checksum-type", "COMPOSITE");
}

}  // namespace millrace::s3::handlers
