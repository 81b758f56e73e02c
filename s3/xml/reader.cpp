// Request bodies over pugixml, which is included nowhere else; see the header. What pugixml would
// accept too gladly (entities, DOCTYPE, NUL in text, unbounded nodes) prescan has refused before.
#include "s3/xml/reader.h"

#include <array>
#include <pugixml.hpp>

#include "s3/query.h"
#include "s3/xml/prescan.h"

namespace millrace::s3::xml {
namespace {

// parse_ws_pcdata_single keeps text that is all white space: a key may be that. No end-of-line
// normalisation by flag is needed: a literal CR LF in a key is LF by XML's own rule (parse_eol).
constexpr unsigned parse_flags =
    pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata_single;

constexpr std::string_view whitespace = " \t\r\n";

std::string_view local_name(pugi::xml_node node) {
  const std::string_view name = node.name();
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool is_element(pugi::xml_node node) {
  return node.type() == pugi::node_element;
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

// Stores the text of an element that may hold nothing but text, once.
bool take_text(pugi::xml_node node, std::string_view& value, bool& taken) {
  const pugi::xml_node child = node.first_child();
  if (taken || is_element(child) || child.next_sibling()) return false;
  value = child.value();
  taken = true;
  return true;
}

// A child of an element that holds elements only: white space between them is skipped.
enum class Child : std::uint8_t { element, blank, stray_text };
Child kind_of(pugi::xml_node node) {
  if (is_element(node)) return Child::element;
  const std::string_view text = node.value();
  return text.find_first_not_of(whitespace) == std::string_view::npos ? Child::blank
                                                                      : Child::stray_text;
}

struct TextElement {
  std::string_view name;
  std::string_view* value;
  bool taken = false;
};

// Reads an element whose children are text elements, each at most once and all of them known.
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

bool take_object(pugi::xml_node node, DeleteEntry& entry) {
  std::array known = {TextElement{"Key", &entry.key}, TextElement{"VersionId", &entry.version_id},
                      TextElement{"ETag", &entry.etag},
                      TextElement{"LastModifiedTime", &entry.last_modified_time},
                      TextElement{"Size", &entry.size}};
  if (!take_children(node, known) || entry.key.empty()) return false;
  entry.etag = unquoted(entry.etag);
  return true;
}

// xs:boolean.
bool take_boolean(pugi::xml_node node, bool& value, bool& taken) {
  std::string_view text;
  if (!take_text(node, text, taken)) return false;
  text = trimmed(text);
  value = text == "true" || text == "1";
  return value || text == "false" || text == "0" || text.empty();
}

bool take_part(pugi::xml_node node, CompletedPart& part) {
  std::string_view number;
  std::array<std::string_view, 5> other;
  std::array known = {TextElement{"PartNumber", &number},
                      TextElement{"ETag", &part.etag},
                      TextElement{"ChecksumCRC32", &part.checksums.crc32},
                      TextElement{"ChecksumCRC32C", &part.checksums.crc32c},
                      TextElement{"ChecksumCRC64NVME", &part.checksums.crc64nvme},
                      TextElement{"ChecksumSHA1", &part.checksums.sha1},
                      TextElement{"ChecksumSHA256", &part.checksums.sha256},
                      TextElement{"ChecksumSHA512", &other[0]},
                      TextElement{"ChecksumMD5", &other[1]},
                      TextElement{"ChecksumXXHASH64", &other[2]},
                      TextElement{"ChecksumXXHASH3", &other[3]},
                      TextElement{"ChecksumXXHASH128", &other[4]}};
  if (!take_children(node, known)) return false;
  for (const std::string_view value : other) {
    part.checksums.has_other = part.checksums.has_other || !value.empty();
  }
  part.etag = unquoted(part.etag);
  number = trimmed(number);
  const bool negative = number.starts_with('-');
  const auto parsed = parse_decimal(number.substr(negative ? 1 : 0), 0x7fffffff);
  if (!parsed || part.etag.empty()) return false;
  part.number = negative ? 0 : static_cast<std::uint32_t>(*parsed);
  return true;
}

}  // namespace

Outcome<DeleteRequest> parse_delete(std::span<char> body) {
  pugi::xml_document document;
  const auto root = load(document, body, 2 + delete_objects_max * 6, "Delete");
  if (!root) return std::unexpected(root.error());
  DeleteRequest request;
  bool quiet_taken = false;
  for (const pugi::xml_node node : *root) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    const std::string_view name = local_name(node);
    DeleteEntry entry;
    if (kind == Child::element && name == "Object" && take_object(node, entry)) {
      if (request.objects.size() == delete_objects_max) return refuse(ErrorCode::malformed_xml);
      request.objects.push_back(entry);
    } else if (kind != Child::element || name != "Quiet" ||
               !take_boolean(node, request.quiet, quiet_taken)) {
      return refuse(ErrorCode::malformed_xml);
    }
  }
  if (request.objects.empty()) return refuse(ErrorCode::malformed_xml);
  return request;
}

Outcome<std::vector<CompletedPart>> parse_complete(std::span<char> body) {
  pugi::xml_document document;
  // Of a part's checksums one is usual; the factor leaves room for all of AWS's first five.
  const auto root = load(document, body, 1 + part_number_max * 8, "CompleteMultipartUpload");
  if (!root) return std::unexpected(root.error());
  std::vector<CompletedPart> parts;
  bool ascending = true;
  for (const pugi::xml_node node : *root) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    CompletedPart part;
    if (kind != Child::element || local_name(node) != "Part" || !take_part(node, part) ||
        parts.size() == part_number_max) {
      return refuse(ErrorCode::malformed_xml);
    }
    // A number below 1 is told of by itself.
    if (part.number == 0) {
      return refuse_argument("PartNumber must be >= 1", "PartNumber", "0");
    }
    ascending = ascending && (parts.empty() || parts.back().number < part.number);
    parts.push_back(part);
  }
  if (parts.empty()) return refuse(ErrorCode::malformed_xml);
  if (!ascending) return refuse(ErrorCode::invalid_part_order);
  if (parts.back().number > part_number_max) return refuse(ErrorCode::invalid_part);
  return parts;
}

Outcome<BucketConfiguration> parse_bucket_configuration(std::span<char> body) {
  pugi::xml_document document;
  const auto root = load(document, body, 256, "CreateBucketConfiguration");
  if (!root) return std::unexpected(root.error());
  BucketConfiguration configuration;
  bool taken = false;
  for (const pugi::xml_node node : *root) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    const std::string_view name = local_name(node);
    if (kind == Child::element && (name == "Location" || name == "Bucket" || name == "Tags")) {
      return refuse(ErrorCode::not_implemented,
                    "The bucket configuration implies functionality that is not implemented");
    }
    if (kind != Child::element || name != "LocationConstraint" ||
        !take_text(node, configuration.location_constraint, taken)) {
      return refuse(ErrorCode::malformed_xml);
    }
  }
  configuration.location_constraint = trimmed(configuration.location_constraint);
  return configuration;
}

}  // namespace millrace::s3::xml
