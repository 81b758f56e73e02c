// multipart/form-data as browsers send it (RFC 7578, RFC 2046 section 5.1.1): the fields before the
// file, read whole and bounded, and the file's content, which streams. Strict: what two parsers
// could read differently is refused. Pure; owned by the request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "s3/error.h"

namespace millrace::s3::post {

// The boundary of a Content-Type "multipart/form-data; boundary=...": 1 to 70 characters of RFC
// 2046. Nothing: another type, or no usable boundary.
std::optional<std::string_view> form_boundary(std::string_view content_type);
bool is_form(std::string_view content_type);

struct FormField {
  std::string_view name;
  std::string_view value;
};

// What comes before a boundary of a part: CR LF "--" BOUNDARY.
class Delimiter {
 public:
  static constexpr std::size_t bytes_max = 4 + 70;
  explicit Delimiter(std::string_view boundary);
  std::string_view view() const { return {text_.data(), size_}; }

  struct Found {
    std::size_t content = 0;  // bytes that are content for sure
    std::size_t held = 0;     // bytes behind them, at the end, that may begin a delimiter
    bool ended = false;       // the delimiter is behind the content
  };
  Found find(std::string_view text) const;

 private:
  std::array<char, bytes_max> text_{};
  std::size_t size_ = 0;
};

// Everything up to the file's content. Views point into the text that was fed.
class FormReader {
 public:
  explicit FormReader(std::string_view boundary) : delimiter_(boundary) {}

  enum class Progress : std::uint8_t { more, file };
  // `text` is the body from its start, as far as it was read; it grows and stays in place.
  // MalformedPOSTRequest; IncorrectNumberOfFilesInPostRequest: it ends without a file.
  Outcome<Progress> feed(std::string_view text);

  // After Progress::file.
  const std::vector<FormField>& fields() const { return fields_; }
  // The first field of that name, in any case (lower case given); none, if it is not there.
  std::optional<std::string_view> find(std::string_view lower_name) const;
  std::string_view file_name() const { return file_name_; }  // without its path
  std::size_t content_at() const { return at_; }             // where the content begins
  const Delimiter& delimiter() const { return delimiter_; }

 private:
  struct Part {
    std::string_view name;
    std::string_view file_name;
  };
  static std::optional<Part> parse_head(std::string_view head);
  static std::optional<Part> parse_disposition(std::string_view value);

  const Delimiter delimiter_;
  std::vector<FormField> fields_;
  std::string_view file_name_;
  std::size_t at_ = 0;  // of a delimiter's end, when begun_
  bool begun_ = false;
};

}  // namespace millrace::s3::post
