// The bodies that operations on objects and buckets have; see the header.
#include "s3/xml/reader.h"

#include <array>

#include "s3/query.h"
#include "s3/xml/elements.h"

namespace millrace::s3::xml {
namespace {

bool take_object(pugi::xml_node node, DeleteEntry& entry) {
  std::array known = {TextElement{"Key", &entry.key}, TextElement{"VersionId", &entry.version_id},
                      TextElement{"ETag", &entry.etag},
                      TextElement{"LastModifiedTime", &entry.last_modified_time},
                      TextElement{"Size", &entry.size}};
  if (!take_children(node, known) || entry.key.empty()) return false;
  entry.etag = unquoted(entry.etag);
  return true;
}

bool take_part(pugi::xml_node node, CompletedPart& part) {
  std::string_view number;
  auto& sums = part.checksums;
  std::array known = {
      TextElement{"PartNumber", &number},         TextElement{"ETag", &part.etag},
      TextElement{"ChecksumCRC32", &sums[0]},     TextElement{"ChecksumCRC32C", &sums[1]},
      TextElement{"ChecksumCRC64NVME", &sums[2]}, TextElement{"ChecksumSHA1", &sums[3]},
      TextElement{"ChecksumSHA256", &sums[4]},    TextElement{"ChecksumSHA512", &sums[5]},
      TextElement{"ChecksumMD5", &sums[6]},       TextElement{"ChecksumXXHASH64", &sums[7]},
      TextElement{"ChecksumXXHASH3", &sums[8]},   TextElement{"ChecksumXXHASH128", &sums[9]}};
  if (!take_children(node, known)) return false;
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
  // Of a part's checksums one is usual; the factor leaves room for some more.
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
