// See tagging_document.h.
#include "s3/xml/tagging_document.h"

#include <array>

#include "s3/xml/elements.h"
#include "s3/xml/writer.h"

namespace millrace::s3::xml {
namespace {

constexpr std::size_t tags_max = 256;

// Key and Value, each once.
bool take_tag(pugi::xml_node node, store::Pair& tag) {
  std::array known = {TextElement{"Key", &tag.name}, TextElement{"Value", &tag.value}};
  return take_children(node, known) && known[0].taken && known[1].taken;
}

bool take_tag_set(pugi::xml_node set, std::vector<store::Pair>& tags) {
  for (const pugi::xml_node node : set) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    store::Pair tag;
    if (kind != Child::element || local_name(node) != "Tag" || tags.size() == tags_max ||
        !take_tag(node, tag)) {
      return false;
    }
    tags.push_back(tag);
  }
  return true;
}

}  // namespace

Outcome<std::vector<store::Pair>> parse_tagging(std::span<char> body) {
  pugi::xml_document document;
  const auto root = load(document, body, 2 + 3 * tags_max, "Tagging");
  if (!root) return std::unexpected(root.error());
  std::vector<store::Pair> tags;
  bool has_set = false;
  for (const pugi::xml_node node : *root) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    if (kind != Child::element || local_name(node) != "TagSet" || has_set ||
        !take_tag_set(node, tags)) {
      return refuse(ErrorCode::malformed_xml);
    }
    has_set = true;
  }
  if (!has_set) return refuse(ErrorCode::malformed_xml);
  return tags;
}

namespace {

std::string write(const auto& tags) {
  std::string document;
  Writer writer(document);
  writer.open_root("Tagging");
  writer.open("TagSet");
  for (const store::Pair tag : tags) {
    writer.open("Tag");
    writer.text("Key", tag.name);
    writer.text("Value", tag.value);
    writer.close();
  }
  writer.close();
  writer.close();
  return document;
}

}  // namespace

std::string tagging_document(const store::PackedPairs& tags) {
  return write(tags);
}

std::string tagging_document(std::span<const store::Pair> tags) {
  return write(tags);
}

}  // namespace millrace::s3::xml
