// Health paths: pure answers first, then the same over a real connection in every version and
// method that load balancers use.
#include "health/endpoints.h"

#include "tests/health/loopback.h"

using namespace millrace;
using health::Reason;
using health::View;
using http::Method;

namespace {

const View::Snapshot loaded{Reason::ready,
                            {1500, 2048, 1473ULL * 1024 * 1024, 4096ULL * 1024 * 1024}};

struct Said {
  int status = 0;
  std::string body;
};

Said say(const View::Snapshot& view, Method method, std::string_view path,
         std::string_view query = "", const health::ClusterView& cluster = {}) {
  std::array<char, health::limits::body_bytes_max> area;
  const auto found = health::answer(view, cluster, method, path, query, area);
  if (!found) return {};
  return {found->status, std::string(found->body)};
}

}  // namespace

TEST_CASE("which paths are health paths, and which of them the S3 port answers") {
  for (const char* path : {"/wekas3api/health/ready", "/minio/health/live", "/minio/health/ready",
                           "/minio/health/cluster", "/minio/health/cluster/read"}) {
    CAPTURE(path);
    CHECK(health::is_health_path(path));
    CHECK(health::is_s3_port_health_path(path));
  }
  for (const char* path : {"/health/live", "/health/ready", "/health/cluster"}) {
    CAPTURE(path);
    CHECK(health::is_health_path(path));
    CHECK_FALSE(health::is_s3_port_health_path(path));
  }
  for (const char* path : {"/", "", "/health", "/health/ready/", "/wekas3api/health/ready/x",
                           "/WEKAS3API/health/ready", "/wekas3api", "/minio/health"}) {
    CAPTURE(path);
    CHECK_FALSE(health::is_health_path(path));
    CHECK(say(loaded, Method::get, path).status == 0);
  }
  CHECK(health::is_reserved_bucket("minio"));
  CHECK(health::is_reserved_bucket("wekas3api"));
  CHECK_FALSE(health::is_reserved_bucket("health"));
}

TEST_CASE("answers: exactly 200 or 503, live whatever the reason, a body for each state") {
  CHECK(say(loaded, Method::get, "/wekas3api/health/ready").status == 200);
  CHECK(say(loaded, Method::get, "/wekas3api/health/ready").body == "ready\n");
  for (std::size_t index = 1; index < health::reason_count; ++index) {
    const View::Snapshot view{static_cast<Reason>(index), loaded.load};
    const Said first = say(view, Method::get, "/minio/health/cluster");
    CHECK(first.status == 503);
    CHECK(first.body == std::string(health::reason_text(view.reason)) + "\n");
    CHECK(say(view, Method::head, "/minio/health/live").status == 200);
    CHECK(say(view, Method::options, "/health/live").body == "live\n");
  }
  CHECK(say(loaded, Method::put, "/health/live").status == 405);
  CHECK(say(loaded, Method::other, "/health/ready").status == 405);
}

TEST_CASE("the whole cluster: up as long as any container takes requests") {
  constexpr std::string_view path = "/health/cluster";
  const View::Snapshot out{Reason::draining, {}};
  const auto ask = [&](std::uint64_t containers, std::uint64_t active,
                       std::string_view query = "") {
    return say(out, Method::get, path, query, {containers, active, 7});
  };
  CHECK(ask(3, 3).status == 200);
  CHECK(ask(3, 3).body == "active\n");
  CHECK(ask(3, 2).body == "degraded\n");
  CHECK(ask(2, 1).body == "degraded\n");
  CHECK(ask(1, 1).body == "degraded\n");
  CHECK(ask(1, 1).status == 200);
  CHECK(ask(2, 0).status == 503);
  CHECK(ask(2, 0).body == "inactive\n");
  CHECK(ask(3, 2, "c=json").body ==
        R"({"state":"degraded","containers":3,"active":2,"generation":7})");
}

TEST_CASE("c=json tells the figures, whatever the status") {
  const std::string expected =
      R"({"score":0.73,"rq.active":1500,"rq.max":2048,"mem.active":1473,"mem.max":4096})";
  CHECK(say(loaded, Method::get, "/wekas3api/health/ready", "c=json").body == expected);
  CHECK(say(loaded, Method::get, "/wekas3api/health/ready", "a&c=json&b=1").body == expected);
  const Said draining =
      say({Reason::draining, loaded.load}, Method::get, "/wekas3api/health/ready", "c=json");
  CHECK(draining.status == 503);
  CHECK(draining.body == expected);
  for (const char* query : {"c=jsonx", "xc=json", "c=", "c", "c=JSON", "&"}) {
    CAPTURE(query);
    CHECK(say(loaded, Method::get, "/wekas3api/health/ready", query).body == "ready\n");
  }
  const std::uint64_t most = ~0ULL;
  const View::Snapshot extreme{Reason::ready, {most, most, most, most}};
  CHECK(say(extreme, Method::get, "/health/ready", "c=json").body.ends_with("}"));
}

TEST_CASE("the score's text has two decimals") {
  std::array<char, 8> area;
  CHECK(health::score_text(0.0, area) == "0.00");
  CHECK(health::score_text(0.7324, area) == "0.73");
  CHECK(health::score_text(1.0, area) == "1.00");
}

TEST_CASE("over a connection: HTTP/1.0 and 1.1, GET, HEAD and OPTIONS, with and without Host") {
  health::testing::Rig rig;
  rig.options.requests_active_max = 100;
  rig.pages[0].requests_active.set(25);
  rig.start();
  CHECK(health::testing::get(rig.port, "/wekas3api/health/ready").status() == 503);
  rig.service->mark_started();
  REQUIRE(rig.becomes("ready\n"));
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
    for (const char* rest : {" HTTP/1.0\r\n\r\n", " HTTP/1.0\r\nHost: lb\r\n\r\n",
                             " HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
                             " HTTP/1.1\r\nHost: a:9001\r\nConnection: close\r\n\r\n"}) {
      const std::string request = std::string(method) + " /wekas3api/health/ready" + rest;
      CAPTURE(request);
      const health::testing::Reply reply = health::testing::ask(rig.port, request);
      CHECK(reply.status() == 200);
      CHECK(reply.field("x-weka-score") == "0.25");
      CHECK(reply.field("x-millrace-score") == "0.25");
      CHECK(reply.field("Cache-Control") == "no-store");
      CHECK(reply.field("Content-Length") == "6");
      CHECK(reply.body == (std::string(method) == "HEAD" ? "" : "ready\n"));
      const bool is_options = std::string(method) == "OPTIONS";
      CHECK(reply.field("Allow") == (is_options ? "GET, HEAD, OPTIONS" : "(none)"));
    }
  }
}

TEST_CASE("over a connection: unknown paths, wrong methods, many requests on one connection") {
  health::testing::Rig rig;
  rig.start();
  CHECK(health::testing::get(rig.port, "/").status() == 404);
  CHECK(health::testing::get(rig.port, "/health/readyz").status() == 404);
  CHECK(health::testing::get(rig.port, "/").field("x-weka-score") == "0.00");
  const health::testing::Reply refused = health::testing::get(rig.port, "/health/ready", "DELETE");
  CHECK(refused.status() == 405);
  CHECK(refused.field("Allow") == "GET, HEAD, OPTIONS");

  const auto socket = health::testing::connect_to(rig.port);
  const std::string request = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
  health::testing::send_text(
      socket,
      request + request + "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string text = health::testing::read_to_end(socket);
  std::size_t answers = 0;
  for (auto at = text.find("200 OK"); at != std::string::npos; at = text.find("200 OK", at + 1)) {
    ++answers;
  }
  CHECK(answers == 3);
}
