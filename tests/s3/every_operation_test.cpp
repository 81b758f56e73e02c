// Every operation of the table with every kind of authentication: refused, done, or not built and
// then nothing is done.
#include "tests/s3/service_driver.h"
#include "tests/s3/settings_status.h"

#include <map>
#include <set>

using namespace millrace;
using namespace millrace::tests;
using http::test::content_of;
using http::test::status_of;
using s3::Operation;
using s3::OperationId;
using Ask = ServedSite::Ask;

namespace {

// The plainest request that means the operation.
Ask request_of(const Operation& operation) {
  static const std::map<http::Method, std::string> methods = {
      {http::Method::get, "GET"},        {http::Method::head, "HEAD"},
      {http::Method::put, "PUT"},        {http::Method::post, "POST"},
      {http::Method::delete_, "DELETE"}, {http::Method::options, "OPTIONS"}};
  Ask ask;
  ask.method = methods.at(operation.method);
  ask.target = operation.scope == s3::Scope::service  ? "/"
               : operation.scope == s3::Scope::bucket ? "/bucket"
                                                      : "/bucket/key";
  std::string query(operation.selector);
  if (query == "uploadId") query += "=00000000000000000000000000000000";
  const auto add = [&query](std::string_view parameter) {
    query += (query.empty() ? "" : "&") + std::string(parameter);
  };
  switch (operation.variant) {
    case s3::Variant::plain: break;
    case s3::Variant::list_type_2: add("list-type=2"); break;
    case s3::Variant::with_id: add("id=one"); break;
    case s3::Variant::with_part_number: add("partNumber=1"); break;
    case s3::Variant::copy_source:
      ask.headers.push_back({"x-amz-copy-source", "/bucket/key"});
      break;
    case s3::Variant::part_copy_source:
      add("partNumber=1");
      ask.headers.push_back({"x-amz-copy-source", "/bucket/key"});
      break;
    case s3::Variant::object_lambda_route:
      ask.headers.push_back({"x-amz-request-route", "route"});
      break;
  }
  if (!query.empty()) ask.target += "?" + query;
  return ask;
}

// What the right signature gets from those that are built; all others get 501.
int expected_status(OperationId id) {
  if (const auto known = settings_status(id)) return *known;
  switch (id) {
    case OperationId::post_object: return 412;    // no form
    case OperationId::delete_bucket: return 409;  // it holds the key
    case OperationId::copy_object:                // onto itself
    case OperationId::rename_object:              // without a source
    case OperationId::get_object_attributes:      // none is named
    case OperationId::delete_objects:
    case OperationId::preflight:  // without an origin
    case OperationId::put_bucket_cors:
    case OperationId::put_object_tagging:
    case OperationId::complete_multipart_upload: return 400;  // no body
    case OperationId::delete_bucket_cors:
    case OperationId::delete_object_tagging:
    case OperationId::delete_object: return 204;
    case OperationId::get_bucket_cors:
    case OperationId::upload_part:
    case OperationId::upload_part_copy:
    case OperationId::abort_multipart_upload:
    case OperationId::list_parts: return 404;  // no such upload
    default: return 200;
  }
}

// Everything in the data directory: names, sizes, modification times.
std::string state_of(const Site& site) {
  std::set<std::string> lines;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(site.directory.path())) {
    struct stat status{};
    REQUIRE(::lstat(entry.path().c_str(), &status) == 0);
    lines.insert(entry.path().string() + " " + std::to_string(status.st_size) + " " +
                 std::to_string(status.st_mtim.tv_sec) + "." +
                 std::to_string(status.st_mtim.tv_nsec));
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void check_ids(const std::string& answer, std::set<std::string>& ids) {
  const std::string id = header_of(answer, "x-amz-request-id");
  CHECK(id.size() == 16);
  CHECK(ids.insert(id).second);
}

}  // namespace

TEST_CASE("every operation: refused without the right signature, and then nothing is done") {
  if (ring_kind().fake) return;  // the answers do not depend on how the bytes come
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    served.site.write_file("key", "content");
    const std::string before = state_of(served.site);
    std::set<std::string> ids;
    for (const Operation& operation : s3::operations()) {
      if (operation.permission.empty()) continue;  // a preflight is anybody's question
      for (const Refusal& refusal : refusals) {
        CAPTURE(operation.name);
        CAPTURE(refusal.what);
        Ask ask = request_of(operation);
        ask.auth = refusal.auth;
        ask.wrong = refusal.wrong;
        ask.late = refusal.late;
        const std::string answer = co_await served.answer_to(ask);
        CHECK(status_of(answer) == 403);
        check_ids(answer, ids);
        if (ask.method == "HEAD") {
          CHECK(content_of(answer).empty());
        } else {
          CHECK(code_of(answer) == refusal.code);
        }
        CHECK(served.client.got.empty());
      }
    }
    CHECK(state_of(served.site) == before);
    CHECK(ids.size() == (s3::operations().size() - 1) * std::size(refusals));
    CHECK(served.log_text().find(test_secret) == std::string::npos);
    co_await served.client.close();
  });
}

TEST_CASE("every operation with the right signature: done, or 501 and nothing is done") {
  if (ring_kind().fake) return;  // the answers do not depend on how the bytes come
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    std::set<std::string> ids;
    unsigned built = 0;
    for (const Auth auth : {Auth::header, Auth::query}) {
      for (const Operation& operation : s3::operations()) {
        CAPTURE(operation.name);
        served.site.write_file("key", "content");
        const std::string before = state_of(served.site);
        const auto slot = static_cast<std::size_t>(operation.id);
        const auto counted = shard.page().operations[slot].requests.get();
        Ask ask = request_of(operation);
        ask.auth = auth;
        const std::string answer = co_await served.answer_to(ask);
        CHECK(shard.page().operations[slot].requests.get() == counted + 1);
        check_ids(answer, ids);
        const bool known = s3::handler_of(operation.id) != nullptr;
        CHECK(known == operation.implemented);
        built += known ? 1 : 0;
        CHECK(status_of(answer) == (known ? expected_status(operation.id) : 501));
        if (!known) {
          CHECK(code_of(answer) == (ask.method == "HEAD" ? "" : "NotImplemented"));
          CHECK(state_of(served.site) == before);
        }
        if (ask.method == "HEAD") CHECK(content_of(answer).empty());
        CHECK(served.client.got.empty());
      }
    }
    CHECK(built >= 2 * 18);
    const std::string log = served.log_text();
    CHECK(log.find("operation=GetObject") != std::string::npos);
    CHECK(log.find(test_secret) == std::string::npos);
    CHECK(log.find("X-Amz-Signature") == std::string::npos);
    co_await served.client.close();
  });
}
