// The documents of access lists: <AccessControlPolicy> and <OwnershipControls>, both ways. There is
// one owner and nobody else, so the answers are of one kind. Pure; owned by the request.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "s3/error.h"

namespace millrace::s3::xml {

// Views point into the body.
struct Grant {
  std::string_view id;   // of a canonical user
  std::string_view uri;  // of a group
  std::string_view email;
  std::string_view permission;
};

// Parsed in place. MalformedXML.
Outcome<std::vector<Grant>> parse_access_list(std::span<char> body);
// The owner has FULL_CONTROL, and nobody else anything.
std::string access_list_document(std::string_view owner);

// The value of the one rule's ObjectOwnership. Parsed in place. MalformedXML.
Outcome<std::string_view> parse_ownership(std::span<char> body);
std::string ownership_document(std::string_view ownership);

}  // namespace millrace::s3::xml
