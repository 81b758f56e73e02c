// Cross-origin rules: what they may be, and which of them a request meets.
#include "s3/cors.h"

#include "s3/xml/cors_document.h"

#include <doctest/doctest.h>

#include <string>

using namespace millrace;
using namespace millrace::s3;

namespace {

CorsConfiguration one(CorsRule rule) {
  CorsConfiguration configuration;
  configuration.rules.push_back(std::move(rule));
  return configuration;
}

std::string refused(CorsRule rule) {
  std::string message;
  const auto checked = check_cors(one(std::move(rule)), message);
  return checked ? "" : std::string(code_text(checked.error().code));
}

}  // namespace

TEST_CASE("cors: origins by their one wildcard, methods and headers") {
  const auto rules = one({.id = "",
                          .origins = {"http://*.a.test", "https://b.test"},
                          .methods = {"GET", "PUT"},
                          .headers = {"X-Amz-*", "content-type"},
                          .exposed = {"ETag"},
                          .max_age_s = 60});
  const auto match = [&](std::string_view origin, std::string_view method,
                         std::string_view headers = "") {
    return match_cors(rules, origin, method, headers);
  };
  const auto answer = match("http://x.a.test", "PUT", "Content-Type, x-amz-date,x-AMZ-meta-A");
  CHECK(answer.origin == "http://x.a.test");
  CHECK(answer.methods == "GET, PUT");
  CHECK(answer.headers == "content-type, x-amz-date, x-amz-meta-a");
  CHECK((answer.exposed == "ETag" && answer.max_age_s == 60));
  CHECK(match("https://b.test", "GET").allowed());
  CHECK_FALSE(match("https://b.test", "DELETE").allowed());
  CHECK_FALSE(match("https://b.test", "get").allowed());
  CHECK_FALSE(match("HTTPS://b.test", "GET").allowed());
  CHECK_FALSE(match("https://b.test.evil", "GET").allowed());
  CHECK_FALSE(match("http://.a.tes", "GET").allowed());
  CHECK_FALSE(match("https://b.test", "GET", "authorization").allowed());
  CHECK(match("https://b.test", "DELETE").configured);
  CHECK(
      match_cors(one({.id = "", .origins = {"*"}, .methods = {"GET"}}), "null", "GET", "").origin ==
      "*");
}

TEST_CASE("cors: the first rule that a request meets counts") {
  auto rules = one({.id = "", .origins = {"http://a"}, .methods = {"GET"}, .max_age_s = 1});
  rules.rules.push_back({.id = "", .origins = {"*"}, .methods = {"GET"}, .max_age_s = 2});
  CHECK(match_cors(rules, "http://a", "GET", "").max_age_s == 1);
  CHECK(match_cors(rules, "http://b", "GET", "").max_age_s == 2);
}

TEST_CASE("cors: rules that are refused") {
  const CorsRule good{.id = "", .origins = {"*"}, .methods = {"GET"}};
  CHECK(refused(good) == "");
  const auto with = [&](auto change) {
    CorsRule rule = good;
    change(rule);
    return refused(rule);
  };
  CHECK(with([](CorsRule& rule) { rule.origins = {}; }) == "MalformedXML");
  CHECK(with([](CorsRule& rule) { rule.methods = {}; }) == "MalformedXML");
  CHECK(with([](CorsRule& rule) { rule.methods = {"PATCH"}; }) == "InvalidRequest");
  CHECK(with([](CorsRule& rule) { rule.origins = {"http://*.*"}; }) == "InvalidRequest");
  CHECK(with([](CorsRule& rule) { rule.origins = {"http://a\r\nX: y"}; }) == "InvalidRequest");
  CHECK(with([](CorsRule& rule) { rule.headers = {"*a*"}; }) == "InvalidRequest");
  CHECK(with([](CorsRule& rule) { rule.exposed = {"x-*"}; }) == "InvalidRequest");
  CHECK(with([](CorsRule& rule) { rule.exposed = {"a\r\nX"}; }) == "InvalidRequest");
  CHECK(with([](CorsRule& rule) { rule.id = std::string(256, 'a'); }) == "InvalidRequest");
  std::string message;
  CorsConfiguration many;
  CHECK_FALSE(check_cors(many, message));
  many.rules.assign(100, good);
  CHECK(check_cors(many, message));
  many.rules.push_back(good);
  CHECK(check_cors(many, message).error().code == ErrorCode::invalid_request);
}

TEST_CASE("cors: the document, both ways") {
  const std::string rule =
      "<CORSRule><ID>i</ID><AllowedMethod>GET</AllowedMethod><AllowedOrigin>http://a</"
      "AllowedOrigin>"
      "<AllowedOrigin>*</AllowedOrigin><AllowedHeader>x-*</AllowedHeader><ExposeHeader>ETag"
      "</ExposeHeader><MaxAgeSeconds>7</MaxAgeSeconds></CORSRule>";
  std::string body = "<CORSConfiguration> " + rule + "</CORSConfiguration>";
  const auto read = xml::parse_cors(body);
  REQUIRE(read);
  CHECK(xml::cors_document(*read).find(rule) != std::string::npos);
  for (std::string bad :
       {"<Other/>", "<CORSConfiguration>x</CORSConfiguration>",
        "<CORSConfiguration><CORSRule><X/></CORSRule></CORSConfiguration>",
        "<CORSConfiguration><CORSRule><MaxAgeSeconds>-1</MaxAgeSeconds></CORSRule></"
        "CORSConfiguration>",
        "<CORSConfiguration><CORSRule><ID>a</ID><ID>b</ID></CORSRule></CORSConfiguration>"}) {
    CAPTURE(bad);
    CHECK_FALSE(xml::parse_cors(bad));
  }
}
