// The mask of headers and parameters that are not built; see the header. Headers are looked for
// in the query too, where presigning libraries may have put them: in a presigned request they are
// in the head by then, in any other they would be ignored. Any thread.
#include "s3/unimplemented.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "s3/query.h"

namespace millrace::s3 {
namespace {

// The operations on which a rule bears.
enum class On : std::uint8_t {
  any,
  create_bucket,
  new_object,  // PutObject, CopyObject, CreateMultipartUpload
  publish,     // PutObject, CompleteMultipartUpload
  put_object,  // PutObject alone
  removal,     // DeleteObject, AbortMultipartUpload
  old_bucket,  // whatever is asked of a bucket that is there
  copy,        // CopyObject, UploadPartCopy
};

struct Rule {
  std::string_view name;  // lower case; with is_prefix, how it begins
  bool is_prefix = false;
  On on = On::any;
  bool in_query_only = false;
  // Values that mean what is done anyway, lower case; empty: there is none.
  std::array<std::string_view, 2> harmless = {};
  ErrorCode code = ErrorCode::not_implemented;
  bool is_owner = false;  // the value is the owner that the request expects
};

constexpr std::array rules = {
    // AES256 too: what is stored is plain, and saying otherwise would be a lie.
    Rule{.name = "x-amz-server-side-encryption", .is_prefix = true},
    Rule{.name = "x-amz-copy-source-server-side-encryption", .is_prefix = true},
    // As headers they are what a copy is told.
    Rule{.name = "x-amz-copy-source", .is_prefix = true, .in_query_only = true},
    Rule{.name = "x-amz-metadata-directive", .in_query_only = true},
    Rule{.name = "x-amz-tagging-directive", .in_query_only = true},
    Rule{.name = "x-amz-tagging", .in_query_only = true},
    Rule{.name = "x-amz-object-lock-", .is_prefix = true},
    Rule{.name = "x-amz-bucket-object-lock-enabled", .harmless = {"false"}},
    // ACLs are disabled, as in AWS's new buckets. With one owner both of these mean that he alone
    // has access.
    Rule{.name = "x-amz-acl",
         .on = On::create_bucket,
         .harmless = {"private"},
         .code = ErrorCode::invalid_bucket_acl},
    Rule{.name = "x-amz-grant-",
         .is_prefix = true,
         .on = On::create_bucket,
         .code = ErrorCode::invalid_bucket_acl},
    Rule{.name = "x-amz-acl",
         .harmless = {"private", "bucket-owner-full-control"},
         .code = ErrorCode::acl_not_supported},
    Rule{.name = "x-amz-grant-", .is_prefix = true, .code = ErrorCode::acl_not_supported},
    Rule{.name = "x-amz-website-redirect-location", .on = On::new_object},
    Rule{.name = "x-amz-write-offset-bytes", .on = On::put_object, .in_query_only = true},
    Rule{.name = "x-amz-rename-source", .on = On::put_object},
    Rule{.name = "x-amz-mfa"},
    Rule{.name = "x-amz-object-ownership",
         .on = On::create_bucket,
         .harmless = {"bucketownerenforced"}},
    Rule{.name = "x-amz-bucket-namespace", .on = On::create_bucket, .harmless = {"global"}},
    Rule{.name = "x-amz-storage-class",
         .on = On::new_object,
         .harmless = {"standard"},
         .code = ErrorCode::invalid_storage_class},
    // AWS itself answers 501 to an If-None-Match of a write that is not "*".
    Rule{.name = "if-none-match", .on = On::publish, .harmless = {"*"}},
    // As headers they are conditions.
    Rule{.name = "x-amz-if-match-", .is_prefix = true, .on = On::removal, .in_query_only = true},
    Rule{.name = "x-amz-expected-bucket-owner", .on = On::old_bucket, .is_owner = true},
    Rule{.name = "x-amz-source-expected-bucket-owner", .on = On::copy, .is_owner = true},
};

// The seventh and eighth byte tell most rules apart. They lie side by side, so that the compiler
// compares many at once and an ordinary header costs next to nothing.
constexpr std::size_t telling = 6;
static_assert(std::ranges::all_of(rules, [](const Rule& rule) {
  return rule.name.size() >= telling + 2;
}));

// Two letters in any case; what else the bit changes only lets a name through to the comparison.
constexpr std::uint16_t folded_pair(std::string_view name) {
  const auto fold = [](char c) {
    return static_cast<unsigned>(static_cast<unsigned char>(c)) | 0x20;
  };
  return static_cast<std::uint16_t>(fold(name[telling]) << 8 | fold(name[telling + 1]));
}

constexpr std::array<std::uint16_t, rules.size()> make_pairs() {
  std::array<std::uint16_t, rules.size()> pairs{};
  for (std::size_t i = 0; i < rules.size(); ++i) pairs[i] = folded_pair(rules[i].name);
  return pairs;
}
constexpr std::array<std::uint16_t, rules.size()> pairs = make_pairs();

bool bears_on(On on, OperationId id) {
  switch (on) {
    case On::any: return true;
    case On::create_bucket: return id == OperationId::create_bucket;
    case On::new_object:
      return id == OperationId::put_object || id == OperationId::post_object ||
             id == OperationId::copy_object || id == OperationId::create_multipart_upload;
    case On::publish:
      return id == OperationId::put_object || id == OperationId::complete_multipart_upload;
    case On::put_object: return id == OperationId::put_object;
    case On::removal:
      return id == OperationId::delete_object || id == OperationId::abort_multipart_upload;
    case On::old_bucket:
      return operation(id).scope != Scope::service && id != OperationId::create_bucket;
    case On::copy: return id == OperationId::copy_object || id == OperationId::upload_part_copy;
  }
  return true;
}

bool is_harmless(const Rule& rule, std::string_view value) {
  for (const std::string_view harmless : rule.harmless) {
    if (!harmless.empty() && decodes_to(value, harmless, Case::ignored)) return true;
  }
  return false;
}

// What clients know of an owner is an AWS account's id of 12 digits; here it is the id that all
// answers show.
Outcome<> check_owner(std::string_view name, std::string_view value, std::string_view owner) {
  if (decodes_to(value, owner, Case::exact)) return {};
  constexpr std::size_t account_digits = 12;
  const bool account = value.size() == account_digits &&
                       std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (account) return refuse(ErrorCode::access_denied);
  return std::unexpected(S3Error{ErrorCode::invalid_bucket_owner, {}, name, value});
}

Outcome<> check_named(std::string_view name, std::string_view value, OperationId id, bool in_query,
                      std::string_view owner) {
  if (name.size() < telling + 2) return {};
  const std::uint16_t wanted = folded_pair(name);
  std::uint8_t found = 0;
  for (const std::uint16_t pair : pairs) found |= static_cast<std::uint8_t>(pair == wanted);
  if (found == 0) return {};
  for (const Rule& rule : rules) {
    if (name.size() < rule.name.size() || (!rule.is_prefix && name.size() != rule.name.size())) {
      continue;
    }
    if (!http::field_name_equal(name.substr(0, rule.name.size()), rule.name)) continue;
    if (!bears_on(rule.on, id) || is_harmless(rule, value)) continue;
    if (rule.in_query_only && !in_query) continue;
    if (rule.is_owner) return check_owner(name, value, owner);
    return std::unexpected(S3Error{rule.code, {}, name, value});
  }
  return {};
}

// versionId=null is the one version that a bucket without versioning has.
Outcome<> check_parameter(const RawParameter& parameter, OperationId id) {
  switch (id) {
    case OperationId::get_object:
    case OperationId::head_object:
    case OperationId::get_object_attributes:
    case OperationId::delete_object:
    case OperationId::get_object_tagging:
    case OperationId::put_object_tagging:
    case OperationId::delete_object_tagging: break;
    default: return {};
  }
  const bool version = decodes_to(parameter.name, "versionId", Case::exact) &&
                       !decodes_to(parameter.value, "null", Case::exact);
  if (!version) return {};
  return std::unexpected(
      S3Error{ErrorCode::not_implemented,
              "A query parameter you provided implies functionality that is not implemented",
              parameter.name, parameter.value});
}

}  // namespace

Outcome<> check_unimplemented(const http::Head& head, const QueryParameters& query, OperationId id,
                              const Served& served) {
  for (const http::Field& field : head.fields()) {
    const auto checked = check_named(field.name, field.value, id, false, served.owner);
    if (!checked) return checked;
  }
  std::array<char, 192> buffer;  // over three times any rule's name
  for (const RawParameter parameter : query) {
    if (const auto checked = check_parameter(parameter, id); !checked) return checked;
    if (served.query_is_in_head || parameter.name.size() > buffer.size()) continue;
    const auto name = decode(parameter.name, buffer, UriPart::query);
    // Conditions are headers only; a parameter of that name is just unknown.
    if (!name || name->size() < 6 || !http::field_name_equal(name->substr(0, 6), "x-amz-"))
      continue;
    if (auto checked = check_named(*name, parameter.value, id, true, served.owner); !checked) {
      checked.error().argument_name = parameter.name;  // the buffer goes away
      return checked;
    }
  }
  return {};
}

}  // namespace millrace::s3
