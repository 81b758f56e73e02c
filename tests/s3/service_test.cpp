// The service as its clients see it: every operation of the table with every kind of
// authentication, and what is never said, done or logged.
#include "tests/s3/service_driver.h"
#include "tests/s3/settings_status.h"

#include <sys/xattr.h>

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

struct Refusal {
  const char* what;
  Auth auth;
  bool wrong;
  bool late;
  const char* code;
};
constexpr Refusal refusals[] = {
    {"none", Auth::none, false, false, "AccessDenied"},
    {"wrong header", Auth::header, true, false, "SignatureDoesNotMatch"},
    {"late header", Auth::header, false, true, "RequestTimeTooSkewed"},
    {"wrong query", Auth::query, true, false, "SignatureDoesNotMatch"},
    {"late query", Auth::query, false, true, "AccessDenied"},
};

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

TEST_CASE("an object's life over the wire") {
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard, st::Durability::strict);
    const std::string body = pattern(300'000);
    const auto put = co_await served.answer_to({.method = "PUT",
                                                .target = "/bucket/a/b",
                                                .headers = {{"x-amz-meta-colour", "red"}},
                                                .body = body});
    CHECK(status_of(put) == 200);
    const auto got = co_await served.answer_to({.target = "/bucket/a/b"});
    CHECK(status_of(got) == 200);
    CHECK(content_of(got) == body);
    CHECK(header_of(got, "ETag") == header_of(put, "ETag"));
    CHECK(header_of(got, "x-amz-meta-colour") == "red");
    const auto head = co_await served.answer_to({.method = "HEAD", .target = "/bucket/a/b"});
    CHECK(header_of(head, "Content-Length") == "300000");
    CHECK(content_of(head).empty());
    const auto slice =
        co_await served.answer_to({.target = "/bucket/a/b", .headers = {{"Range", "bytes=5-9"}}});
    CHECK(status_of(slice) == 206);
    CHECK(content_of(slice) == body.substr(5, 5));
    const auto same = co_await served.answer_to(
        {.target = "/bucket/a/b", .headers = {{"If-None-Match", header_of(put, "ETag")}}});
    CHECK(status_of(same) == 304);
    CHECK(content_of(same).empty());
    const auto again = co_await served.answer_to({.method = "PUT",
                                                  .target = "/bucket/a/b",
                                                  .headers = {{"If-None-Match", "*"}},
                                                  .body = "x"});
    CHECK(status_of(again) == 412);
    const auto gone = co_await served.answer_to({.method = "DELETE", .target = "/bucket/a/b"});
    CHECK(status_of(gone) == 204);
    const auto none = co_await served.answer_to({.target = "/bucket/a/b"});
    CHECK((status_of(none) == 404 && code_of(none) == "NoSuchKey"));
    const auto elsewhere = co_await served.answer_to({.target = "/no-bucket/a"});
    CHECK((status_of(elsewhere) == 404 && code_of(elsewhere) == "NoSuchBucket"));
    const auto missing =
        co_await served.answer_to({.method = "PUT", .target = "/no-bucket/a", .body = "x"});
    CHECK((status_of(missing) == 404 && code_of(missing) == "NoSuchBucket"));
    co_await served.client.close();
    CHECK(shard.body_buffers().in_use() == 0);
  });
}

TEST_CASE("a wrong digest makes nothing visible") {
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    const std::string unsigned_payload = "UNSIGNED-PAYLOAD";
    struct Case {
      std::vector<s3::HeaderLine> headers;
      std::string payload;
      std::string code;
    };
    const Case cases[] = {
        {{{"Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="}}, unsigned_payload, "BadDigest"},
        {{{"x-amz-checksum-crc32", "AAAAAA=="}}, unsigned_payload, "BadDigest"},
        {{}, std::string(64, '0'), "XAmzContentSHA256Mismatch"}};
    for (const Case& each : cases) {
      const auto answer = co_await served.answer_to({.method = "PUT",
                                                     .target = "/bucket/k",
                                                     .headers = each.headers,
                                                     .body = "content",
                                                     .payload = each.payload});
      CHECK(status_of(answer) == 400);
      CHECK(code_of(answer) == each.code);
      CHECK(served.site.tree().empty());
    }
    CHECK(served.site.nothing_aside());
    co_await served.client.close();
    CHECK(shard.body_buffers().in_use() == 0);
  });
}

TEST_CASE("the body is asked for only when it will be taken") {
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    for (const Refusal& refusal : refusals) {
      CAPTURE(refusal.what);
      const auto answer = co_await served.answer_to({.method = "PUT",
                                                     .target = "/bucket/k",
                                                     .body = "content",
                                                     .auth = refusal.auth,
                                                     .wrong = refusal.wrong,
                                                     .late = refusal.late,
                                                     .expect = true});
      CHECK(status_of(answer) == 403);
      CHECK(co_await served.client.ended());
      co_await served.reconnect();
    }
    // Rightly signed, but for what can't be: still no body is asked for.
    const auto nowhere = co_await served.answer_to(
        {.method = "PUT", .target = "/no-bucket/k", .body = "content", .expect = true});
    CHECK(status_of(nowhere) == 404);
    co_await served.reconnect();
    const Ask good{.method = "PUT", .target = "/bucket/k", .body = "content", .expect = true};
    const auto go_on = co_await served.answer_to(good);
    CHECK(go_on == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(served.site.tree().empty());
    co_await served.client.send(good.body);
    const auto answer = co_await served.client.answer();
    CHECK(status_of(answer) == 200);
    CHECK(served.site.exists("k"));
    co_await served.client.close();
  });
}

TEST_CASE("an error is answered before the body has come, and the body is not read as a request") {
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    const Ask refused{.method = "PUT",
                      .target = "/bucket/k",
                      .body = "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(3000, 'x'),
                      .wrong = true};
    const std::string text = served.render(refused);
    const auto end = text.find("\r\n\r\n") + 4;
    co_await served.client.send(std::string_view(text).substr(0, end));
    const auto answer = co_await served.client.answer();
    CHECK(status_of(answer) == 403);
    CHECK(header_of(answer, "Content-Type") == "application/xml");
    co_await served.client.send(std::string_view(text).substr(end));
    if (header_of(answer, "Connection") != "close") {
      const auto next = co_await served.answer_to({.target = "/bucket/none"});
      CHECK(status_of(next) == 404);
    } else {
      CHECK(co_await served.client.ended());
    }
    co_await served.client.close();
  });
}

TEST_CASE("a body that ends early leaves nothing") {
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    const std::string text =
        served.render({.method = "PUT", .target = "/bucket/k", .body = std::string(600'000, 'x')});
    co_await served.client.send(std::string_view(text).substr(0, text.size() - 1000));
    co_await served.client.close();
    CHECK(served.site.tree().empty());
    CHECK(served.site.nothing_aside());
    CHECK(shard.body_buffers().in_use() == 0);
  });
}

TEST_CASE("an error names what was wrong, also where that was decoded") {
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    served.site.write_file("key", "content");
    const std::string value(200, 'v');
    const std::pair<std::string, std::string> cases[] = {
        {"/bucket?encoding-type=%76" + value, "InvalidArgument"},
        {"/bucket?list-type=2&max-keys=%76" + value, "InvalidArgument"},
        {"/bucket?uploads&encoding-type=%76" + value, "InvalidArgument"},
        {"/bucket?uploads&max-uploads=%76" + value, "InvalidArgument"},
        {"/bucket/key?uploadId=x&max-parts=%76" + value, "InvalidArgument"},
        {"/bucket/key?partNumber=%76" + value, "InvalidArgument"},
        {"/bucket/key?response-expires=%0Av" + value, "InvalidArgument"},
        {"/bucket?list-type=%76" + value, "InvalidArgument"},
        {"/bucket?acl&policy", "InvalidArgument"},
        {"/bucket/%FF", "InvalidURI"},
        {"/" + value, "InvalidBucketName"}};
    for (const auto& [target, code] : cases) {
      CAPTURE(target);
      const auto answer = co_await served.answer_to({.target = target});
      CHECK(status_of(answer) == 400);
      CHECK(code_of(answer) == code);
      CHECK(content_of(answer).ends_with("</Error>"));
    }
    for (const std::string document : {"", "<Delete>", "<Other/>", "<!DOCTYPE x><Delete/>"}) {
      const auto answer = co_await served.answer_to(
          {.method = "POST", .target = "/bucket?delete", .body = document});
      CHECK(status_of(answer) == 400);
      CHECK(content_of(answer).ends_with("</Error>"));
    }
    CHECK(served.site.exists("key"));
    co_await served.client.close();
  });
}

TEST_CASE("a part table that claims more than the file holds is an error, not a crash") {
  on_shard([](engine::Shard& shard) -> Task<> {
    ServedSite served(shard);
    served.site.write_file("k", "12345");
    const auto status = served.site.status("k");
    for (const auto& sizes : std::vector<std::vector<std::uint64_t>>{
             {6}, {3, 3}, {~0ULL, 6}, {2, ~0ULL, 4}, {1, ~0ULL - 1, 5}}) {
      std::vector<st::Part> parts;
      for (const std::uint64_t size : sizes) {
        parts.push_back({static_cast<std::uint32_t>(parts.size() + 1), size, {}});
      }
      const auto none = st::StoredChecksum::none;
      std::vector<std::byte> table(st::PackedParts::packed_bytes(parts.size(), none));
      st::MetadataView meta;
      meta.size = meta.file_size = 5;
      meta.mtime_ns = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
      meta.parts = *st::PackedParts::pack(parts, none, table);
      std::array<std::byte, 512> attribute;
      std::vector<std::byte> sidecar;
      const auto encoded = st::encode(meta, attribute.size(), attribute, sidecar);
      REQUIRE(encoded);
      REQUIRE(::setxattr(served.site.path("k").c_str(), st::metadata_attribute_name,
                         attribute.data(), encoded->attribute_bytes, 0) == 0);
      const std::string target = "/bucket/k?partNumber=" + std::to_string(parts.size());
      const auto answer = co_await served.answer_to({.target = target});
      CHECK(status_of(answer) == 500);
      CHECK(code_of(answer) == "InternalError");
      CHECK(content_of(co_await served.answer_to({.target = "/bucket/k"})) == "12345");
    }
    co_await served.client.close();
  });
}
