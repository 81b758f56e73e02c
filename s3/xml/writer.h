// Appends XML to a string that the caller owns. Every response of S3 fits one string (pages hold
// at most 1,000 entries). Text is always escaped and the output always UTF-8. Owned by a request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::s3::xml {

inline constexpr std::string_view s3_namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
// What every document begins with.
inline constexpr std::string_view declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

// How names of objects are written: escaped, or percent-encoded for encoding-type=url.
enum class KeyEncoding : std::uint8_t { plain, url };

class Writer {
 public:
  // Writes the declaration.
  explicit Writer(std::string& out);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Element names are constants of the program; they live as long as the element is open.
  void open(std::string_view name);
  void open_root(std::string_view name);  // in the S3 namespace
  void close();                           // the innermost open element
  void text(std::string_view name, std::string_view value);
  void number(std::string_view name, std::uint64_t value);
  void boolean(std::string_view name, bool value);
  void time(std::string_view name, std::int64_t unix_ms);
  void key(std::string_view name, std::string_view value, KeyEncoding encoding);
  void etag(std::string_view name, std::string_view unquoted);
  // Elements written elsewhere by append_* below or another Writer's parts; must be well-formed.
  void raw(std::string_view elements) { out_.append(elements); }

 private:
  static constexpr std::size_t depth_max = 8;

  std::string& out_;
  std::array<std::string_view, depth_max> open_{};
  std::size_t depth_ = 0;
};

// Markup characters become entities. Control characters (also tab, LF and CR, which a reader
// would normalise) and U+FFFE, U+FFFF become numeric references, as AWS does although XML 1.0 has
// no such characters; clients that care ask for encoding-type=url. Bytes that are not UTF-8
// become U+FFFD.
void append_escaped(std::string& out, std::string_view text);

// As AWS encodes for encoding-type=url: letters, digits, "-_.*/" stay, space is '+', all other
// bytes %XX. SDKs decode it with their form decoder.
void append_url_encoded(std::string& out, std::string_view text);

// 2009-10-12T17:50:30.000Z
void append_time(std::string& out, std::int64_t unix_ms);

}  // namespace millrace::s3::xml
