// See elements.h. What pugixml would accept too gladly (entities, DOCTYPE, NUL in text, unbounded
// nodes) prescan has refused before.
#include "s3/xml/elements.h"

#include "s3/xml/prescan.h"
#include "s3/xml/reader.h"

namespace millrace::s3::xml {
namespace {

// parse_ws_pcdata_single keeps text that is all white space: a key may be that. No end-of-line
// normalisation by flag is needed: a literal CR LF in a key is LF by XML's own rule (parse_eol).
constexpr unsigned parse_flags =
    pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata_single;

constexpr std::string_view whitespace = " \t\r\n";

bool is_element(pugi::xml_node node) {
  return node.type() == pugi::node_element;
}

}  // namespace

std::string_view local_name(pugi::xml_node node) {
  const std::string_view name = node.name();
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

Outcome<pugi::xml_node> load(pugi::xml_document& document, std::span<char> body,
                             std::size_t elements_max, std::string_view root_name) {
  if (body.size() > body_bytes_max) return refuse(ErrorCode::max_message_length_exceeded);
  const std::string_view text(body.data(), body.size());
  if (!acceptable(text, {.elements_max = elements_max})) return refuse(ErrorCode::malformed_xml);
  const std::span<char> content = body.last(without_prolog(text).size());
  const auto result = document.load_buffer_inplace(content.data(), content.size(), parse_flags,
                                                   pugi::encoding_utf8);
  if (result.status == pugi::status_out_of_memory) return refuse(ErrorCode::slow_down);
  const pugi::xml_node root = document.document_element();
  if (!result || local_name(root) != root_name) return refuse(ErrorCode::malformed_xml);
  return root;
}

bool take_text(pugi::xml_node node, std::string_view& value, bool& taken) {
  const pugi::xml_node child = node.first_child();
  if (taken || is_element(child) || child.next_sibling()) return false;
  value = child.value();
  taken = true;
  return true;
}

Child kind_of(pugi::xml_node node) {
  if (is_element(node)) return Child::element;
  const std::string_view text = node.value();
  return text.find_first_not_of(whitespace) == std::string_view::npos ? Child::blank
                                                                      : Child::stray_text;
}

bool take_children(pugi::xml_node parent, std::span<TextElement> known) {
  for (const pugi::xml_node node : parent) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    if (kind == Child::stray_text) return false;
    bool found = false;
    for (TextElement& element : known) {
      if (element.name != local_name(node)) continue;
      if (!take_text(node, *element.value, element.taken)) return false;
      found = true;
      break;
    }
    if (!found) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(whitespace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(whitespace) - first + 1);
}

std::string_view unquoted(std::string_view etag) {
  etag = trimmed(etag);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    return etag.substr(1, etag.size() - 2);
  }
  return etag;
}

bool take_boolean(pugi::xml_node node, bool& value, bool& taken) {
  std::string_view text;
  if (!take_text(node, text, taken)) return false;
  text = trimmed(text);
  value = text == "true" || text == "1";
  return value || text == "false" || text == "0" || text.empty();
}

}  // namespace millrace::s3::xml
