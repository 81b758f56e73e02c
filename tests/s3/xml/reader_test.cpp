// Bodies of DeleteObjects, CompleteMultipartUpload and CreateBucket.
#include "s3/xml/reader.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace millrace::s3;

namespace {

// The body must outlive the result, whose views point into it.
struct Body {
  std::string text;
  explicit Body(std::string from) : text(std::move(from)) {}
  std::span<char> span() { return text; }
};

ErrorCode delete_error(std::string text) {
  Body body(std::move(text));
  const auto parsed = xml::parse_delete(body.span());
  REQUIRE_FALSE(parsed.has_value());
  return parsed.error().code;
}
ErrorCode complete_error(std::string text) {
  Body body(std::move(text));
  const auto parsed = xml::parse_complete(body.span());
  REQUIRE_FALSE(parsed.has_value());
  return parsed.error().code;
}

std::string delete_of(std::size_t count) {
  std::string out = "<Delete>";
  for (std::size_t i = 0; i < count; ++i) out += "<Object><Key>k</Key></Object>";
  return out + "</Delete>";
}

std::string complete_of(std::uint32_t count) {
  std::string out = "<CompleteMultipartUpload>";
  for (std::uint32_t i = 1; i <= count; ++i) {
    out += "<Part><PartNumber>" + std::to_string(i) + "</PartNumber><ETag>e</ETag></Part>";
  }
  return out + "</CompleteMultipartUpload>";
}

}  // namespace

TEST_CASE("DeleteObjects as SDKs send it") {
  Body body(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n  <Quiet>true</Quiet>\n"
      "  <Object>\n <Key>a/&lt;b&gt; &amp; c</Key> <VersionId>null</VersionId></Object>\n"
      "  <Object><Key> </Key><ETag>&quot;abc&quot;</ETag><Size>3</Size>"
      "<LastModifiedTime>t</LastModifiedTime></Object>\n"
      "  <Object><Key>&#x1;&#13;\xc3\xa9</Key></Object></Delete>\n");
  const auto parsed = xml::parse_delete(body.span());
  REQUIRE(parsed.has_value());
  CHECK(parsed->quiet);
  REQUIRE(parsed->objects.size() == 3);
  CHECK(parsed->objects[0].key == "a/<b> & c");
  CHECK(parsed->objects[0].version_id == "null");
  CHECK(parsed->objects[0].etag.empty());
  CHECK(parsed->objects[1].key == " ");
  CHECK(parsed->objects[1].etag == "abc");
  CHECK(parsed->objects[1].size == "3");
  CHECK(parsed->objects[1].last_modified_time == "t");
  CHECK(parsed->objects[2].key == "\x01\r\xc3\xa9");
}

TEST_CASE("a namespace prefix and no quiet") {
  Body body("<s:Delete xmlns:s='x'><s:Object><s:Key>k</s:Key></s:Object></s:Delete>");
  const auto parsed = xml::parse_delete(body.span());
  REQUIRE(parsed.has_value());
  CHECK_FALSE(parsed->quiet);
  CHECK(parsed->objects[0].key == "k");
}

TEST_CASE("DeleteObjects that are refused") {
  for (const char* bad :
       {"", "<Delete/>", "<Delete></Delete>", "<Remove><Object><Key>k</Key></Object></Remove>",
        "<Delete><Object/></Delete>", "<Delete><Object><Key/></Object></Delete>",
        "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key><Keys>b</Keys></Object></Delete>",
        "<Delete><Object><key>a</key></Object></Delete>",
        "<Delete><Object><Key>a<b/></Key></Object></Delete>",
        "<Delete><Object>stray<Key>a</Key></Object></Delete>",
        "<Delete>stray<Object><Key>a</Key></Object></Delete>",
        "<Delete><Quiet>maybe</Quiet><Object><Key>a</Key></Object></Delete>",
        "<Delete><Quiet>true</Quiet><Quiet>false</Quiet><Object><Key>a</Key></Object></Delete>",
        "<Delete><Object><Key>a&#0;b</Key></Object></Delete>",
        "<Delete><Object><Key>a<!-- -->b</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key></Delete></Object>",
        "<!DOCTYPE x><Delete><Object><Key>a</Key></Object></Delete>"}) {
    CAPTURE(bad);
    CHECK(delete_error(bad) == ErrorCode::malformed_xml);
  }
}

TEST_CASE("limits of DeleteObjects") {
  Body most(delete_of(1000));
  CHECK(xml::parse_delete(most.span())->objects.size() == 1000);
  CHECK(delete_error(delete_of(1001)) == ErrorCode::malformed_xml);
  CHECK(delete_error(std::string(xml::body_bytes_max + 1, ' ')) ==
        ErrorCode::max_message_length_exceeded);
}

TEST_CASE("CompleteMultipartUpload") {
  Body body(
      "<CompleteMultipartUpload xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
      "<Part><ETag>&quot;e1&quot;</ETag><PartNumber> 1 </PartNumber>"
      "<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></Part>"
      "<Part><PartNumber>10000</PartNumber><ETag>e2</ETag><ChecksumMD5>x</ChecksumMD5></Part>"
      "</CompleteMultipartUpload>");
  const auto parts = xml::parse_complete(body.span());
  REQUIRE(parts.has_value());
  REQUIRE(parts->size() == 2);
  CHECK((*parts)[0].number == 1);
  CHECK((*parts)[0].etag == "e1");
  CHECK((*parts)[0].checksums == xml::PartChecksums{"", "AAAAAA=="});
  CHECK((*parts)[1].number == 10000);
  CHECK((*parts)[1].etag == "e2");
  CHECK((*parts)[1].checksums == xml::PartChecksums{"", "", "", "", "", "", "x"});

  Body most(complete_of(10000));
  CHECK(xml::parse_complete(most.span())->size() == 10000);
}

TEST_CASE("CompleteMultipartUpload that is refused") {
  const auto with = [](std::string inner) {
    return "<CompleteMultipartUpload>" + inner + "</CompleteMultipartUpload>";
  };
  const auto part = [](std::string number) {
    return "<Part><PartNumber>" + number + "</PartNumber><ETag>e</ETag></Part>";
  };
  CHECK(complete_error(with("")) == ErrorCode::malformed_xml);
  for (const char* number : {"x", "", "1.0", "--1", "4294967297"}) {
    CAPTURE(number);
    CHECK(complete_error(with(part(number))) == ErrorCode::malformed_xml);
  }
  CHECK(complete_error(with(part("0"))) == ErrorCode::invalid_argument);
  CHECK(complete_error(with(part("-1"))) == ErrorCode::invalid_argument);
  CHECK(complete_error(with(part("10001"))) == ErrorCode::invalid_part);
  CHECK(complete_error(with("<Part><PartNumber>1</PartNumber></Part>")) ==
        ErrorCode::malformed_xml);
  CHECK(complete_error(with(part("2") + part("1"))) == ErrorCode::invalid_part_order);
  CHECK(complete_error(with(part("1") + part("1"))) == ErrorCode::invalid_part_order);
  CHECK(complete_error(with(part("1") + "<Other/>")) == ErrorCode::malformed_xml);
}

TEST_CASE("CreateBucketConfiguration") {
  Body body(
      "<CreateBucketConfiguration xmlns='x'> <LocationConstraint>eu-west-1 </LocationConstraint>"
      "</CreateBucketConfiguration>");
  CHECK(xml::parse_bucket_configuration(body.span())->location_constraint == "eu-west-1");
  Body empty("<CreateBucketConfiguration/>");
  CHECK(xml::parse_bucket_configuration(empty.span())->location_constraint.empty());
  Body tags("<CreateBucketConfiguration><Tags><Tag/></Tags></CreateBucketConfiguration>");
  CHECK(xml::parse_bucket_configuration(tags.span()).error().code == ErrorCode::not_implemented);
  Body other("<CreateBucketConfiguration><Locatoin/></CreateBucketConfiguration>");
  CHECK(xml::parse_bucket_configuration(other.span()).error().code == ErrorCode::malformed_xml);
}

TEST_CASE("damaged bodies give a result or an error, never more") {
  std::mt19937 random(11);
  const std::string whole = "<?xml version='1.0'?>" + delete_of(3) + "\n";
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (std::size_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + random() % 4); break;
        default: text.insert(at, std::string_view("<>&/;'\"#x!").substr(random() % 10, 1)); break;
      }
    }
    Body body(std::move(text));
    const auto parsed = xml::parse_delete(body.span());
    if (!parsed) {
      ++refused;
      continue;
    }
    ++accepted;
    for (const auto& entry : parsed->objects) {
      CHECK(entry.key.data() >= body.text.data());
      CHECK(entry.key.data() + entry.key.size() <= body.text.data() + body.text.size());
    }
  }
  CHECK(accepted > 0);
  CHECK(refused > 0);
}
