// The administration's routes and the document that describes them say the same; bodies that are
// not as they should be are refused before anything is looked at.
#include "tools/cluster/desk.h"

#include "tools/cluster/openapi.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <set>

using namespace millrace::tools;
using nlohmann::json;

namespace {

constexpr const char* nowhere = "/nonexistent/configuration";

DeskAnswer ask(std::string method, std::string path, json body = json::object()) {
  Desk desk(nowhere, "test");
  return desk.answer(
      {.method = std::move(method), .path = std::move(path), .body = std::move(body)});
}

}  // namespace

TEST_CASE("administration: the OpenAPI document has every route, and no other") {
  const json document = json::parse(openapi_document);
  for (const auto& [path, operations] : document.at("paths").items()) {
    if (path == openapi_path) continue;
    std::string below = path.substr(rest_prefix.size());
    if (const auto at = below.find("{name}"); at != below.npos) below.replace(at, 6, "one");
    for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
      std::string member = method;
      std::ranges::transform(member, member.begin(),
                             [](unsigned char c) { return std::tolower(c); });
      CAPTURE(path);
      CAPTURE(method);
      const int status = ask(method, below).status;
      CHECK(status != 404);
      CHECK((status == 405) == !operations.contains(member));
    }
  }
  for (const char* path : {"/", "/nothing", "/status/", "/containers/one/two"}) {
    const int status = ask("GET", path).status;
    CHECK((status == 404 || status == 405));
  }
}

TEST_CASE("administration: settings of the document are those that are taken") {
  const json settings = json::parse(openapi_document)["components"]["schemas"]["Settings"];
  for (const auto& [name, schema] : settings.at("properties").items()) {
    CAPTURE(name);
    const json right = schema["type"] == "integer"   ? json(7U)
                       : schema["type"] == "array"   ? json::array({"a"})
                       : schema["type"] == "boolean" ? json(true)
                                                     : json("a");
    // There is no cluster; but the body was understood.
    CHECK(ask("PATCH", "/configuration", {{name, right}}).status == 503);
    const DeskAnswer refused = ask("PATCH", "/configuration", {{name, json::object()}});
    CHECK(refused.status == 400);
    CHECK(refusal_of(refused.body).what == name);
  }
}

TEST_CASE("administration: wrong bodies are refused") {
  CHECK(ask("PATCH", "/configuration", {{"pork", 1}}).status == 400);
  CHECK(ask("PATCH", "/configuration", {{"port", 65536}}).status == 400);
  CHECK(ask("PATCH", "/configuration", {{"port", -1}}).status == 400);
  CHECK(ask("PATCH", "/configuration", {{"domains", {1}}}).status == 400);
  CHECK(ask("PATCH", "/configuration", json::array()).status == 400);
  CHECK(ask("PATCH", "/configuration", json(json::value_t::discarded)).status == 400);
  CHECK(ask("POST", "/containers").status == 400);
  CHECK(ask("PATCH", "/containers/one").status == 400);
  CHECK(ask("DELETE", "", {{"force", 1}}).status == 400);
}

TEST_CASE("administration: a refusal goes over the wire and back") {
  const Refusal refusal{"what", "why", "remedy"};
  CHECK(refusal_of(refusal_document(refusal)).line() == refusal.line());
  CHECK(refusal_of(json::array()).what.empty());
  CHECK(refusal_of({{"error", 7}}).what.empty());
  CHECK(refusal_of({{"error", {{"what", 7}}}}).what.empty());
}
