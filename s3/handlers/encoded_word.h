// Metadata whose values are not ASCII, as S3 returns them: header fields are ASCII, so such values
// become encoded words of RFC 2047 ("Working with object metadata"). Pure.
#pragma once

#include <string>
#include <string_view>

namespace millrace::s3::handlers {

bool is_ascii(std::string_view value);

// S3 takes the bytes it was sent for ISO 8859-1, also where they were UTF-8: each becomes the
// character of its number, and these are written as UTF-8 in words of at most 75 characters: in Q
// where most of the value is ASCII, else in B. No byte is lost.
std::string encoded_words(std::string_view value);

}  // namespace millrace::s3::handlers
