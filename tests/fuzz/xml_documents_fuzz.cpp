// Fuzzes the XML documents of requests; the first byte chooses whose. Properties: no crash; views
// lie within the document; numbers and counts are within their limits; what is taken, written out,
// is taken again as the same.
#include "s3/xml/access_documents.h"
#include "s3/xml/cors_document.h"
#include "s3/xml/public_access_block.h"
#include "s3/xml/reader.h"
#include "s3/xml/tagging_document.h"
#include "tests/fuzz/targets.h"

#include <memory>
#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::s3;

void delete_objects(std::span<char> body) {
  const auto parsed = xml::parse_delete(body);
  if (!parsed) return;
  const std::string_view text(body.data(), body.size());
  require(!parsed->objects.empty() && parsed->objects.size() <= xml::delete_objects_max, "1,000");
  for (const xml::DeleteEntry& entry : parsed->objects) {
    require(!entry.key.empty(), "a key");
    for (const std::string_view view :
         {entry.key, entry.version_id, entry.etag, entry.last_modified_time, entry.size}) {
      require(within(view, text), "within the body");
    }
  }
}

void complete(std::span<char> body) {
  const auto parsed = xml::parse_complete(body);
  if (!parsed) return;
  const std::string_view text(body.data(), body.size());
  std::uint32_t last = 0;
  for (const xml::CompletedPart& part : *parsed) {
    require(part.number > last && part.number <= xml::part_number_max, "ascending numbers");
    last = part.number;
    require(!part.etag.empty() && within(part.etag, text), "an ETag within the body");
    for (const std::string_view sum : part.checksums) require(within(sum, text), "within the body");
  }
  require(last > 0, "a part");
}

void bucket_configuration(std::span<char> body) {
  const auto parsed = xml::parse_bucket_configuration(body);
  if (!parsed) return;
  require(within(parsed->location_constraint, {body.data(), body.size()}), "within the body");
}

void cors(std::span<char> body) {
  const auto parsed = xml::parse_cors(body);
  std::string message;
  if (!parsed || !check_cors(*parsed, message)) return;
  for (const std::string_view origin : {"http://a.example", "", "null"}) {
    const CorsAnswer answer = match_cors(*parsed, origin, "PUT", "x-a, content-type");
    require(answer.origin.empty() || answer.origin == "*" || answer.origin == origin, "its origin");
    require(answer.origin.find_first_of("\r\n") == std::string::npos, "fit for a header");
  }
  std::string written = xml::cors_document(*parsed);
  const auto again = xml::parse_cors(written);
  require(again.has_value(), "what was written is taken");
  require(xml::cors_document(*again) == xml::cors_document(*parsed), "as the same");
}

void tagging(std::span<char> body) {
  const auto parsed = xml::parse_tagging(body);
  if (!parsed) return;
  for (const store::Pair& tag : *parsed) {
    require(within(tag.name, {body.data(), body.size()}), "within the body");
    require(within(tag.value, {body.data(), body.size()}), "within the body");
  }
  std::string written = xml::tagging_document(*parsed);
  const auto again = xml::parse_tagging(written);
  require(again.has_value() && again->size() == parsed->size(), "what was written is taken");
  for (std::size_t i = 0; i < parsed->size(); ++i) {
    require((*again)[i].name == (*parsed)[i].name, "the same name");
    require((*again)[i].value == (*parsed)[i].value, "the same value");
  }
}

void access_list(std::span<char> body) {
  const auto parsed = xml::parse_access_list(body);
  if (!parsed) return;
  for (const xml::Grant& grant : *parsed) {
    for (const std::string_view view : {grant.id, grant.uri, grant.email, grant.permission}) {
      require(within(view, {body.data(), body.size()}), "within the body");
    }
  }
}

void ownership(std::span<char> body) {
  const auto parsed = xml::parse_ownership(body);
  if (!parsed) return;
  require(within(*parsed, {body.data(), body.size()}), "within the body");
}

void public_access_block(std::span<char> body) {
  const auto parsed = xml::parse_public_access_block(body);
  if (!parsed) return;
  std::string written = xml::public_access_block_document(*parsed);
  const std::string kept = written;
  const auto again = xml::parse_public_access_block(written);
  require(again && xml::public_access_block_document(*again) == kept, "the same again");
}

constexpr void (*readers[])(std::span<char>) = {
    delete_objects, complete,  bucket_configuration, cors, tagging,
    access_list,    ownership, public_access_block};

void run(std::string_view input) {
  const auto reader = readers[take_byte(input) % std::size(readers)];
  // Exactly so many bytes: the readers write in place.
  const auto body = std::make_unique<char[]>(input.size());
  input.copy(body.get(), input.size());
  reader({body.get(), input.size()});
}

constexpr std::string_view seeds[] = {
    "0<?xml version=\"1.0\" encoding=\"UTF-8\"?><Delete xmlns=\"http://s3.amazonaws.com/doc/"
    "2006-03-01/\"><Quiet>true</Quiet><Object><Key>a&amp;&#x41;</Key><VersionId>null</VersionId>"
    "<ETag>&quot;e&quot;</ETag><Size>3</Size></Object><Object><Key> </Key></Object></Delete>",
    "1<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"e\"</ETag><ChecksumCRC32>"
    "AAAAAA==</ChecksumCRC32></Part><Part><ETag>f</ETag><PartNumber>2</PartNumber></Part>"
    "</CompleteMultipartUpload>",
    "2<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint>"
    "</CreateBucketConfiguration>",
    "3<CORSConfiguration><CORSRule><ID>x</ID><AllowedOrigin>http://*.example</AllowedOrigin>"
    "<AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag"
    "</ExposeHeader><MaxAgeSeconds>30</MaxAgeSeconds></CORSRule></CORSConfiguration>",
    "4<Tagging><TagSet><Tag><Key>a</Key><Value>b &lt;</Value></Tag><Tag><Key>c</Key><Value/></Tag>"
    "</TagSet></Tagging>",
    "5<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="
    "\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>o</ID></Grantee>"
    "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>",
    "6<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"
    "</OwnershipControls>",
    "7<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><BlockPublicPolicy>0"
    "</BlockPublicPolicy></PublicAccessBlockConfiguration>"};

}  // namespace

const Target xml_documents{.name = "xml_documents", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
