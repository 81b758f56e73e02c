// What the readers of request documents share, over pugixml: documents loaded in place and checked
// before, elements that hold text, or elements only. Included by the readers of this folder alone.
// Pure; owned by the request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <pugixml.hpp>
#include <span>
#include <string_view>

#include "s3/error.h"

namespace millrace::s3::xml {

// The name of an element without its namespace's prefix.
std::string_view local_name(pugi::xml_node node);

// The root of the document, which is parsed in place: `body` is overwritten and must outlive it.
// MaxMessageLengthExceeded; MalformedXML, also for more elements and for a root of another name.
Outcome<pugi::xml_node> load(pugi::xml_document& document, std::span<char> body,
                             std::size_t elements_max, std::string_view root_name);

// Stores the text of an element that may hold nothing but text, once.
bool take_text(pugi::xml_node node, std::string_view& value, bool& taken);
// The same for an xs:boolean.
bool take_boolean(pugi::xml_node node, bool& value, bool& taken);

// A child of an element that holds elements only: white space between them is skipped.
enum class Child : std::uint8_t { element, blank, stray_text };
Child kind_of(pugi::xml_node node);

struct TextElement {
  std::string_view name;
  std::string_view* value;
  bool taken = false;
};
// Reads an element whose children are text elements, each at most once and all of them known.
bool take_children(pugi::xml_node parent, std::span<TextElement> known);

std::string_view trimmed(std::string_view text);
// Trimmed, and without the quotes around it.
std::string_view unquoted(std::string_view etag);

}  // namespace millrace::s3::xml
