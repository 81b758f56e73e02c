// See access_documents.h.
#include "s3/xml/access_documents.h"

#include <array>

#include "s3/xml/elements.h"
#include "s3/xml/writer.h"

namespace millrace::s3::xml {

namespace {

constexpr std::size_t grants_max = 100;  // "Access control list overview": 100 grants

// The only child of that name, which holds elements; others are refused.
bool take_grantee(pugi::xml_node node, Grant& grant) {
  std::string_view display_name;
  std::array known = {TextElement{"ID", &grant.id}, TextElement{"DisplayName", &display_name},
                      TextElement{"URI", &grant.uri}, TextElement{"EmailAddress", &grant.email}};
  return take_children(node, known);
}

bool take_grant(pugi::xml_node node, Grant& grant) {
  bool grantee = false;
  bool permission = false;
  for (const pugi::xml_node child : node) {
    const Child kind = kind_of(child);
    if (kind == Child::blank) continue;
    if (kind != Child::element) return false;
    if (local_name(child) == "Grantee" && !grantee) {
      grantee = true;
      if (!take_grantee(child, grant)) return false;
    } else if (local_name(child) != "Permission" ||
               !take_text(child, grant.permission, permission)) {
      return false;
    }
  }
  return grantee && permission;
}

bool take_grants(pugi::xml_node node, std::vector<Grant>& grants) {
  for (const pugi::xml_node child : node) {
    const Child kind = kind_of(child);
    if (kind == Child::blank) continue;
    Grant grant;
    if (kind != Child::element || local_name(child) != "Grant" || grants.size() == grants_max ||
        !take_grant(child, grant)) {
      return false;
    }
    grants.push_back(grant);
  }
  return true;
}

bool take_owner(pugi::xml_node node) {
  std::string_view id;
  std::string_view display_name;
  std::array known = {TextElement{"ID", &id}, TextElement{"DisplayName", &display_name}};
  return take_children(node, known);
}

}  // namespace

Outcome<std::vector<Grant>> parse_access_list(std::span<char> body) {
  pugi::xml_document document;
  const auto root = load(document, body, 8 + grants_max * 7, "AccessControlPolicy");
  if (!root) return std::unexpected(root.error());
  std::vector<Grant> grants;
  bool owner = false;
  bool list = false;
  for (const pugi::xml_node node : *root) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    const std::string_view name = kind == Child::element ? local_name(node) : std::string_view();
    if (name == "Owner" && !owner) {
      owner = take_owner(node);
      if (!owner) return refuse(ErrorCode::malformed_xml);
    } else if (name == "AccessControlList" && !list) {
      list = take_grants(node, grants);
      if (!list) return refuse(ErrorCode::malformed_xml);
    } else {
      return refuse(ErrorCode::malformed_xml);
    }
  }
  if (!owner || !list) return refuse(ErrorCode::malformed_xml);
  return grants;
}

std::string access_list_document(std::string_view owner) {
  std::string document;
  Writer writer(document);
  const auto write_person = [&] {
    writer.text("ID", owner);
    writer.text("DisplayName", owner);
  };
  writer.open_root("AccessControlPolicy");
  writer.open("Owner");
  write_person();
  writer.close();
  writer.open("AccessControlList");
  writer.open("Grant");
  writer.raw(
      "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xsi:type=\"CanonicalUser\">");
  write_person();
  writer.raw("</Grantee>");
  writer.text("Permission", "FULL_CONTROL");
  writer.close();
  writer.close();
  writer.close();
  return document;
}

Outcome<std::string_view> parse_ownership(std::span<char> body) {
  pugi::xml_document document;
  const auto root = load(document, body, 16, "OwnershipControls");
  if (!root) return std::unexpected(root.error());
  std::string_view ownership;
  bool rule = false;
  for (const pugi::xml_node node : *root) {
    if (kind_of(node) == Child::blank) continue;
    std::array known = {TextElement{"ObjectOwnership", &ownership}};
    if (rule || kind_of(node) != Child::element || local_name(node) != "Rule" ||
        !take_children(node, known)) {
      return refuse(ErrorCode::malformed_xml);
    }
    rule = true;
  }
  if (ownership.empty()) return refuse(ErrorCode::malformed_xml);
  return trimmed(ownership);
}

std::string ownership_document(std::string_view ownership) {
  std::string document;
  Writer writer(document);
  writer.open_root("OwnershipControls");
  writer.open("Rule");
  writer.text("ObjectOwnership", ownership);
  writer.close();
  writer.close();
  return document;
}

}  // namespace millrace::s3::xml
