// One pass over a request's XML before a parser builds anything from it: bounds what a small body
// can cost and refuses what S3 never needs. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::s3::xml {

struct ScanLimits {
  std::size_t elements_max;
  std::size_t depth_max = 8;
  std::size_t attributes_per_element_max = 8;
};

// False for: anything that begins with "<!" (DOCTYPE and with it entities, CDATA, comments), a
// processing instruction other than a leading "<?xml", references other than the five predefined
// and numeric ones of a code point from 1 to 10FFFF that is no surrogate, text that is not UTF-8,
// control characters but tab, LF, CR, unbalanced or unfinished tags, and what is over the limits.
// Names of tags are not compared: the parser does.
bool acceptable(std::string_view document, const ScanLimits& limits);

// The document without a byte order mark and without its declaration.
std::string_view without_prolog(std::string_view document);

}  // namespace millrace::s3::xml
