// The service as its clients see it: what is answered, and what is never said, done or logged.
#include "tests/s3/service_driver.h"

#include <sys/xattr.h>

using namespace millrace;
using namespace millrace::tests;
using http::test::content_of;
using http::test::status_of;
using Ask = ServedSite::Ask;

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
