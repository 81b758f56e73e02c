// See public_access_block.h.
#include "s3/xml/public_access_block.h"

#include <array>

#include "s3/xml/elements.h"
#include "s3/xml/writer.h"

namespace millrace::s3::xml {

Outcome<PublicAccessBlock> parse_public_access_block(std::span<char> body) {
  struct Flag {
    std::string_view name;
    bool PublicAccessBlock::* value;
    bool taken = false;
  };
  std::array flags = {Flag{"BlockPublicAcls", &PublicAccessBlock::block_public_acls},
                      Flag{"IgnorePublicAcls", &PublicAccessBlock::ignore_public_acls},
                      Flag{"BlockPublicPolicy", &PublicAccessBlock::block_public_policy},
                      Flag{"RestrictPublicBuckets", &PublicAccessBlock::restrict_public_buckets}};
  pugi::xml_document document;
  const auto root = load(document, body, 16, "PublicAccessBlockConfiguration");
  if (!root) return std::unexpected(root.error());
  PublicAccessBlock block;
  for (const pugi::xml_node node : *root) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    bool taken = false;
    for (Flag& flag : flags) {
      if (kind != Child::element || local_name(node) != flag.name) continue;
      taken = take_boolean(node, block.*flag.value, flag.taken);
    }
    if (!taken) return refuse(ErrorCode::malformed_xml);
  }
  return block;
}

std::string public_access_block_document(const PublicAccessBlock& block) {
  std::string document;
  Writer writer(document);
  writer.open_root("PublicAccessBlockConfiguration");
  writer.boolean("BlockPublicAcls", block.block_public_acls);
  writer.boolean("IgnorePublicAcls", block.ignore_public_acls);
  writer.boolean("BlockPublicPolicy", block.block_public_policy);
  writer.boolean("RestrictPublicBuckets", block.restrict_public_buckets);
  writer.close();
  return document;
}

}  // namespace millrace::s3::xml
