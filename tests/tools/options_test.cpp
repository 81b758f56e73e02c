// Precedence of flags, environment and file, and the words of refusals.
#include "tools/options.h"

#include "tests/tools/temporary_directory.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace {

using namespace millrace::tools;

Allowed<CommandLine> parse(std::vector<const char*> arguments,
                           std::vector<const char*> environment = {}) {
  arguments.insert(arguments.begin(), "millrace");
  environment.push_back(nullptr);
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data(),
                            environment.data());
}

ServeOptions options_of(std::vector<const char*> arguments,
                        std::vector<const char*> environment = {}) {
  auto line = parse(std::move(arguments), std::move(environment));
  if (!line.has_value()) FAIL(line.error().line());
  return line->options;
}

std::string refusal_of(std::vector<const char*> arguments,
                       std::vector<const char*> environment = {}) {
  const auto line = parse(std::move(arguments), std::move(environment));
  return line.has_value() ? "accepted" : line.error().line();
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("defaults") {
  const ServeOptions options = options_of({"serve", "--data", "d"});
  CHECK(options.data == "d");
  REQUIRE(options.listen.size() == 1);
  CHECK(options.listen[0].text() == "*:9000");
  CHECK(options.health.text() == "*:9001");
  CHECK(options.processors.empty());
  CHECK(options.durability == Durability::strict);
  CHECK(options.region == "us-east-1");
  CHECK_FALSE(options.drain_notice.has_value());
  CHECK(options.drain_deadline == std::chrono::seconds(25));
  CHECK_FALSE(options.agent.has_value());
  CHECK(options.proxy_networks.empty());
}

TEST_CASE("every setting is taken") {
  const ServeOptions options = options_of({"serve",
                                           "--data=d",
                                           "--listen",
                                           "10.0.0.1:80",
                                           "--listen",
                                           "[::1]:80",
                                           "--health=81",
                                           "--cores",
                                           "0-2,5",
                                           "--durability",
                                           "data",
                                           "--domain",
                                           "S3.Example.com",
                                           "--region",
                                           "eu-1",
                                           "--log-level",
                                           "debug",
                                           "--log",
                                           "l",
                                           "--access-log",
                                           "a",
                                           "--proxy-protocol",
                                           "10.0.0.0/8,::1",
                                           "--drain-notice",
                                           "3",
                                           "--drain-deadline",
                                           "30",
                                           "--agent",
                                           "127.0.0.1:82",
                                           "--capacity-threshold",
                                           "0.95",
                                           "--requests-max",
                                           "100",
                                           "--memory-max",
                                           "2G",
                                           "--metrics-token-file",
                                           "t",
                                           "--anonymous",
                                           "none"});
  REQUIRE(options.listen.size() == 2);
  CHECK(options.listen[1].text() == "[::1]:80");
  CHECK(options.health.text() == "*:81");
  CHECK(options.processors == std::vector<unsigned>{0, 1, 2, 5});
  CHECK(options.durability == Durability::data);
  CHECK(options.domains == std::vector<std::string>{"s3.example.com"});
  CHECK(options.region == "eu-1");
  CHECK(options.log_level == millrace::engine::LogLevel::debug);
  CHECK(options.log == "l");
  CHECK(options.access_log == "a");
  REQUIRE(options.proxy_networks.size() == 2);
  CHECK(options.proxy_networks[1].text() == "::1/128");
  CHECK(options.drain_notice == std::chrono::seconds(3));
  CHECK(options.drain_deadline == std::chrono::seconds(30));
  CHECK(options.agent.value().text() == "127.0.0.1:82");
  CHECK(options.capacity_threshold == doctest::Approx(0.95));
  CHECK(options.requests_max == 100);
  CHECK(options.memory_max_bytes == 2ULL << 30);
  CHECK(options.metrics_token_file == "t");
}

TEST_CASE("a flag goes before the environment, that before the file") {
  const TemporaryDirectory directory;
  const std::string file = directory.write(
      "m.toml",
      "data = 'from-file'\nregion = 'file-1'\ndurability = 'none'\n"
      "listen = [8000, '127.0.0.1:8001']\ndrain_deadline = 7\ncapacity_threshold = 0.5\n");
  const std::string config = "MILLRACE_CONFIG=" + file;
  const ServeOptions options =
      options_of({"serve", "--region", "flag-1"},
                 {config.c_str(), "MILLRACE_REGION=env-1", "MILLRACE_DURABILITY=data"});
  CHECK(options.region == "flag-1");
  CHECK(options.durability == Durability::data);
  CHECK(options.data == "from-file");
  CHECK(options.config == file);
  REQUIRE(options.listen.size() == 2);
  CHECK(options.listen[0].text() == "*:8000");
  CHECK(options.drain_deadline == std::chrono::seconds(7));
  CHECK(options.capacity_threshold == 0.5);
}

TEST_CASE("--config goes before MILLRACE_CONFIG") {
  const TemporaryDirectory directory;
  const std::string file = directory.write("m.toml", "data = 'right'\n");
  CHECK(options_of({"check", "--config", file.c_str()}, {"MILLRACE_CONFIG=/absent"}).data ==
        "right");
}

TEST_CASE("empty and foreign variables are left alone") {
  const ServeOptions options =
      options_of({"serve", "--data", "d"},
                 {"MILLRACE_REGION=", "MILLRACE_SERVICE_HOST=10.0.0.1", "MILLRACE_REGIONS=x"});
  CHECK(options.region == "us-east-1");
}

TEST_CASE("unknown names are named, and near ones offered") {
  const TemporaryDirectory directory;
  const std::string file = directory.write("m.toml", "data = 'd'\nregoin = 'x'\n");
  CHECK(refusal_of({"serve", "--dta", "d"}) ==
        "millrace: --dta: unknown flag; did you mean --data?");
  CHECK(refusal_of({"srve"}) == "millrace: srve: unknown command; did you mean serve?");
  CHECK(holds(refusal_of({"serve", "--data", "d", "more"}), "more: unexpected word"));
  CHECK(refusal_of({"serve", "--config", file.c_str()}) ==
        "millrace: " + file + ":2: unknown key \"regoin\"; did you mean region?");
}

TEST_CASE("wrong values name where they stand and what is allowed") {
  const TemporaryDirectory directory;
  const std::string file = directory.write("m.toml", "data = 'd'\n\ncores = true\n");
  CHECK(refusal_of({"serve", "--data", "d", "--durability", "full"}) ==
        "millrace: --durability: \"full\" is not allowed; use strict, data or none");
  CHECK(holds(refusal_of({"serve", "--data", "d"}, {"MILLRACE_LOG_LEVEL=loud"}),
              "MILLRACE_LOG_LEVEL: \"loud\" is not allowed; use debug, info"));
  CHECK(holds(refusal_of({"serve", "--config", file.c_str()}), file + ":3: cores: "));
  CHECK(holds(refusal_of({"serve", "--data", "d", "--drain-deadline", "3601"}), "0 to 3600"));
  CHECK(holds(refusal_of({"serve", "--data", "d", "--drain-deadline", "-1"}), "drain-deadline"));
  CHECK(holds(refusal_of({"serve", "--data", "d", "--cores"}), "--cores: lacks its value"));
  CHECK(holds(refusal_of({"serve", "--data", "a", "--data", "b"}), "--data: has 2 values"));
  CHECK(holds(refusal_of({"serve"}), "--data: is missing"));
  CHECK(holds(refusal_of({"serve", "--data", ""}), "--data"));
  CHECK(holds(refusal_of({"serve", "--config", "/absent.toml"}), "/absent.toml: No such file"));
}

TEST_CASE("a file that isn't TOML is refused with its line, and without its text") {
  const TemporaryDirectory directory;
  const std::string file = directory.write("m.toml", "data = 'd'\nregion = hidden words\n");
  const std::string refusal = refusal_of({"serve", "--config", file.c_str()});
  CHECK(holds(refusal, file + ":2:"));
  CHECK_FALSE(holds(refusal, "hidden"));
}

TEST_CASE("listeners that overlap are refused") {
  CHECK(holds(refusal_of({"serve", "--data", "d", "--listen", "9001"}), "health"));
  CHECK(holds(refusal_of({"serve", "--data", "d", "--listen", "80,127.0.0.1:80"}), "overlap"));
  CHECK(refusal_of({"serve", "--data", "d", "--listen", "0.0.0.0:80,[::]:80"}) == "accepted");
  CHECK(
      refusal_of({"serve", "--data", "d", "--agent", "127.0.0.1:9000"}) ==
      "millrace: agent: 127.0.0.1:9000 and listen *:9000 overlap; give --agent a port of its own");
  CHECK(refusal_of({"serve", "--data", "d", "--agent", "9001"}) ==
        "millrace: agent: *:9001 and health *:9001 overlap; give --agent a port of its own");
}

TEST_CASE("a notice that leaves nothing of the drain is refused") {
  const auto refusal = [](const char* notice, const char* deadline) {
    return refusal_of(
        {"serve", "--data", "d", "--drain-notice", notice, "--drain-deadline", deadline});
  };
  CHECK(refusal("25", "25") ==
        "millrace: drain_notice: 25 s leave nothing of drain_deadline, 25 s; make the notice "
        "shorter or the deadline longer");
  CHECK(refusal("24", "25") == "accepted");
  CHECK(refusal("0", "0") == "accepted");
  CHECK(holds(refusal("x", "25"), "--drain-notice"));
  for (const auto& [flag, value] : {std::pair{"--capacity-threshold", "0"},
                                    {"--capacity-threshold", "1.5"},
                                    {"--requests-max", "0"},
                                    {"--memory-max", "lots"},
                                    {"--agent", "nowhere"}}) {
    CHECK(holds(refusal_of({"serve", "--data", "d", flag, value}), flag));
  }
}

TEST_CASE("a certificate and its key are given together") {
  const ServeOptions options =
      options_of({"serve", "--data", "d", "--tls-cert", "c"}, {"MILLRACE_TLS_KEY=k"});
  CHECK(options.tls_cert == "c");
  CHECK(options.tls_key == "k");
  CHECK(options_of({"serve", "--config-fs", "f", "--tls-cert", "c", "--tls-key", "k"}).tls_key ==
        "k");
  CHECK(options_of({"serve", "--data", "d"}).tls_cert.empty());
  CHECK(holds(refusal_of({"serve", "--data", "d", "--tls-cert", "c"}), "--tls-key: is missing"));
  CHECK(holds(refusal_of({"serve", "--data", "d", "--tls-key", "k"}), "--tls-cert: is missing"));
}

TEST_CASE("domains are DNS names") {
  for (const char* name : {"s3_x.com", "-a.com", "a-.com", "a..com", ".a", "a.", "", "a:9000"}) {
    CAPTURE(name);
    CHECK(holds(refusal_of({"serve", "--data", "d", "--domain", name}), "--domain"));
  }
  CHECK(refusal_of({"serve", "--data", "d", "--domain", "localhost,a-b.c1"}) == "accepted");
}

TEST_CASE("help is asked for in every place") {
  for (const auto& arguments : std::initializer_list<std::vector<const char*>>{
           {}, {"--help"}, {"-h"}, {"serve", "--help"}, {"serve", "--data", "d", "-h"}}) {
    const auto line = parse(arguments);
    REQUIRE(line.has_value());
    CHECK(line->verb == Verb::help);
    CHECK(holds(line->help, "Examples:"));
  }
  const std::string page = parse({"serve", "--help"})->help;
  for (const SettingSpec& spec : setting_specs()) {
    CHECK(holds(page, flag_name(spec.key) + " "));
    CHECK(holds(page, environment_name(spec.key) + "\n"));
  }
  CHECK(parse({"--version"})->verb == Verb::version);
  CHECK(parse({"version"})->verb == Verb::version);
}
