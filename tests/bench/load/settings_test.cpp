// Settings from their texts, and to JSON and back.
#include "bench/load/limits.h"
#include "bench/load/settings_json.h"

#include <doctest/doctest.h>

using namespace millrace::bench;

TEST_CASE("settings: mixes") {
  const Mix mix = parse_mix("get=80,put=15,head=5").value();
  CHECK(mix.weights == std::array<std::uint32_t, mixed_operations>{80, 15, 5, 0, 0, 0, 0});
  CHECK(parse_mix("delete")->has(Operation::remove));
  CHECK(mix_text(mix) == "get=80,put=15,head=5");
  for (const char* text : {"", "get=", "get=x", "gett", "get=0", "make-bucket", "get,,put"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_mix(text));
  }
}

TEST_CASE("settings: sizes") {
  CHECK(parse_size_rule("4KiB")->least == 4096);
  CHECK(parse_size_rule("0")->least == 0);
  const auto uniform = parse_size_rule("uniform:1KiB-1MiB").value();
  CHECK(uniform.least == 1024);
  CHECK(uniform.most == 1 << 20);
  const auto lognormal = parse_size_rule("lognormal:64K:1.5:16M").value();
  CHECK(lognormal.sigma == 1.5);
  CHECK(lognormal.most == 16 << 20);
  for (const char* text : {"1KiB", "uniform:1KiB-1MiB", "lognormal:64KiB:1.5:16MiB", "17"}) {
    CHECK(size_rule_text(parse_size_rule(text).value()) == text);
  }
  for (const char* text : {"", "4XiB", "uniform:2-1", "uniform:1", "lognormal:0:1", "lognormal:1",
                           "lognormal:2K:1:1K", "6000GiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size_rule(text));
  }
}

TEST_CASE("settings: times and endpoints") {
  CHECK(parse_duration_ms("500ms") == 500);
  CHECK(parse_duration_ms("1.5s") == 1500);
  CHECK(parse_duration_ms("2m") == 120'000);
  CHECK(parse_duration_ms("10") == 10'000);
  CHECK_FALSE(parse_duration_ms("25h"));
  CHECK_FALSE(parse_duration_ms("s"));
  const auto endpoints = parse_endpoints("http://a:9000,http://[::1]:81/,b").value();
  REQUIRE(endpoints.size() == 3);
  CHECK(endpoints[0].authority == "a:9000");
  CHECK(endpoints[1].host == "::1");
  CHECK(endpoints[1].port == 81);
  CHECK(endpoints[2].port == 80);
  CHECK(parse_endpoints("https://a").error().find("TLS") != std::string::npos);
  for (const char* text :
       {"", "http://", "http://a:0", "http://a/b", "a:b", "a,,b", "http://[::1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_endpoints(text));
  }
}

TEST_CASE("settings: to JSON and back, without credentials") {
  Settings settings;
  settings.endpoints = parse_endpoints("http://a:9000,http://b:9001").value();
  settings.identity = {"key", "hidden", "eu-west-1", ""};
  settings.mix = parse_mix("get=1,multipart=2").value();
  settings.size = parse_size_rule("uniform:1-9MiB").value();
  settings.auth = Auth::presigned;
  settings.arrival = Arrival::poisson;
  settings.rate = 12.5;
  settings.cores = {1, 3};
  settings.threads = 2;
  settings.prefix = "a b/";
  settings.seed = 1ULL << 63;
  settings.verify = true;
  const auto json = settings_json(settings);
  CHECK(json.dump().find("hidden") == std::string::npos);
  Settings back;
  REQUIRE(apply_settings_json(json, back));
  CHECK(settings_json(back) == json);
  CHECK(back.endpoints[1].port == 9001);
  CHECK(back.seed == settings.seed);
  CHECK_FALSE(apply_settings_json(nullptr, back));
  CHECK_FALSE(apply_settings_json({{"endpoints", 5}}, back));
}

TEST_CASE("settings: what no run can be made of") {
  Settings settings;
  settings.endpoints = parse_endpoints("http://a:9000").value();
  settings.mix = parse_mix("get").value();
  settings.auth = Auth::none;
  CHECK(check_settings(settings, true));
  const auto refused = [&](auto change) {
    Settings changed = settings;
    change(changed);
    return !check_settings(changed, true);
  };
  CHECK(refused([](Settings& s) { s.auth = Auth::header; }));
  CHECK(refused([](Settings& s) { s.threads = 65; }));
  CHECK(refused([](Settings& s) { s.threads = 4, s.connections = 3; }));
  CHECK(refused([](Settings& s) { s.cores = {1, 2}; }));
  CHECK(refused([](Settings& s) { s.duration_ms = 0; }));
  CHECK(refused([](Settings& s) { s.objects = 0; }));
  CHECK(refused([](Settings& s) { s.folders = 0; }));
  CHECK(refused([](Settings& s) { s.host = 2, s.hosts = 2, s.connections = 9; }));
  CHECK(refused([](Settings& s) {
    s.mix = parse_mix("put").value();
    s.size = parse_size_rule("6GiB").value();
  }));
}
