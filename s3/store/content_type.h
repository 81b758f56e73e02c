// The content type of a file that came from outside S3, by its extension. A
// table of constants; no thread owns it.
#pragma once

#include <string_view>

namespace millrace::s3::store {

// AWS's own default for an object without a Content-Type.
inline constexpr std::string_view default_content_type = "binary/octet-stream";

// By the text behind the last dot of the key's last component, ASCII case
// ignored. A name that only begins with a dot (.gz) has no extension.
std::string_view content_type_from_extension(std::string_view key);

}  // namespace millrace::s3::store
