// <Tagging>, both ways: the body of PutObjectTagging, the tagging field of a form, and the answer
// to GetObjectTagging. Tags of buckets have the same form. Pure; owned by the request.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "s3/error.h"
#include "s3/store/metadata.h"

namespace millrace::s3::xml {

// The tags as sent; their rules are the caller's. Parsed in place, and the pairs point into `body`.
// MalformedXML, also for more than 256 tags.
Outcome<std::vector<store::Pair>> parse_tagging(std::span<char> body);

std::string tagging_document(const store::PackedPairs& tags);
std::string tagging_document(std::span<const store::Pair> tags);

}  // namespace millrace::s3::xml
