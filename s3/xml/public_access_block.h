// <PublicAccessBlockConfiguration>, both ways. Pure; owned by the request.
#pragma once

#include <span>
#include <string>

#include "s3/error.h"

namespace millrace::s3::xml {

struct PublicAccessBlock {
  bool block_public_acls = false;
  bool ignore_public_acls = false;
  bool block_public_policy = false;
  bool restrict_public_buckets = false;
};

// What is not said is false. Parsed in place. MalformedXML.
Outcome<PublicAccessBlock> parse_public_access_block(std::span<char> body);

std::string public_access_block_document(const PublicAccessBlock& block);

}  // namespace millrace::s3::xml
