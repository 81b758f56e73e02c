// The text of /metrics, read back by a parser that knows nothing of how it is written and
// refuses whatever the format (Prometheus text, 0.0.4) or its conventions forbid.
#include "health/metrics.h"

#include "tests/health/loopback.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

using namespace millrace;

namespace {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0.0;
};

struct Family {
  std::string type;
  std::vector<Sample> samples;
};

bool is_name(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) != 0) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}

// Everything of the form is REQUIREd; what is odd ends the test at the line.
class Parser {
 public:
  explicit Parser(std::string_view text) {
    REQUIRE(text.ends_with("\n"));
    while (!text.empty()) {
      const auto end = text.find('\n');
      line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
  }

  std::map<std::string, Family> families;

  double value(const std::string& name, const std::map<std::string, std::string>& labels = {}) {
    for (auto& [family_name, family] : families) {
      for (const auto& sample : family.samples) {
        if (sample.name == name && sample.labels == labels) return sample.value;
      }
    }
    return NAN;
  }

 private:
  void line(std::string_view text) {
    CAPTURE(std::string(text));
    REQUIRE_FALSE(text.empty());
    if (text.starts_with("# HELP ")) {
      text.remove_prefix(7);
      current_ = text.substr(0, text.find(' '));
      REQUIRE(is_name(current_));
      REQUIRE(text.size() > current_.size() + 1);
      REQUIRE(families.count(current_) == 0);  // one group of lines for each family
      families[current_] = {};
    } else if (text.starts_with("# TYPE ")) {
      const std::string prefix = "# TYPE " + current_ + " ";
      REQUIRE(text.starts_with(prefix));
      Family& family = families.at(current_);
      REQUIRE(family.type.empty());
      REQUIRE(family.samples.empty());
      family.type = text.substr(prefix.size());
      REQUIRE((family.type == "counter" || family.type == "gauge" || family.type == "histogram"));
      REQUIRE((family.type == "counter") == current_.ends_with("_total"));
    } else {
      sample(text);
    }
  }

  void sample(std::string_view text) {
    Sample found;
    const auto name_end = text.find_first_of("{ ");
    REQUIRE(name_end != std::string_view::npos);
    found.name = text.substr(0, name_end);
    text.remove_prefix(name_end);
    if (text.starts_with("{")) text = labels(text.substr(1), found);
    REQUIRE(text.starts_with(" "));
    const std::string number(text.substr(1));
    char* end = nullptr;
    found.value = std::strtod(number.c_str(), &end);
    REQUIRE((end != number.c_str() && *end == '\0'));
    Family& family = families.at(current_);
    REQUIRE_FALSE(family.type.empty());
    if (family.type == "histogram") {
      REQUIRE((found.name == current_ + "_bucket" || found.name == current_ + "_sum" ||
               found.name == current_ + "_count"));
    } else {
      REQUIRE(found.name == current_);
    }
    REQUIRE(seen_.insert({found.name, found.labels}).second);  // no sample twice
    family.samples.push_back(found);
  }

  // What follows the closing brace.
  static std::string_view labels(std::string_view text, Sample& into) {
    for (;;) {
      const auto equals = text.find("=\"");
      REQUIRE(equals != std::string_view::npos);
      const std::string name(text.substr(0, equals));
      REQUIRE(is_name(name));
      text.remove_prefix(equals + 2);
      std::string value;
      while (!text.empty() && text[0] != '"') {
        if (text[0] == '\\') {
          text.remove_prefix(1);
          REQUIRE_FALSE(text.empty());
          REQUIRE(std::string_view("\\\"n").find(text[0]) != std::string_view::npos);
        }
        value += text[0];
        text.remove_prefix(1);
      }
      REQUIRE(into.labels.emplace(name, value).second);
      REQUIRE(text.size() >= 2);
      const char after = text[1];
      text.remove_prefix(2);
      if (after == '}') return text;
      REQUIRE(after == ',');
    }
  }

  std::string current_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_;
};

constexpr std::string_view operation_names[] = {"GetObject", "", "PutObject"};

struct Facts {
  Facts() : pages(2), filesystems(1) {
    for (auto& page : pages) {
      page.operations[0].requests.add(3);
      page.operations[0].client_errors.add(1);
      page.operations[0].bytes_out.add(4096);
      page.operations[0].latency.record(10);             // below 16 us
      page.operations[0].latency.record(1000);           // below 1024 us
      page.operations[0].latency.record(3'000'000'000);  // beyond the last bound
    }
    pages[1].connections.set(7);
    pages[1].busy_ns.set(1'500'000'000);
    pages[0].heartbeat_ns.set(9'500'000'000);
    filesystems[0] = {.directory = "/srv/a\"b\\c\nd",
                      .verdict = {health::FilesystemState::failed, EIO, 8'000'000'000},
                      .rounds = 12,
                      .rounds_failed = 2,
                      .duration_ns = 250'000'000};
    facts = {.version = "1.2.3",
             .durability = "strict",
             .now_ns = 10'000'000'000,
             .frontends = pages,
             .health_page = &health_page,
             .operations = operation_names,
             .filesystems = filesystems,
             .view = {health::Reason::filesystem_failed, {50, 100, 1, 100}},
             .process = {.resident_bytes = 1,
                         .open_descriptors = 2,
                         .descriptors_max = 3,
                         .cpu_seconds = 4.5,
                         .start_time_seconds = 1700000000.25}};
  }
  std::vector<engine::StatusPage> pages;
  engine::StatusPage health_page;
  std::vector<health::FilesystemFacts> filesystems;
  health::MetricsFacts facts;
};

}  // namespace

TEST_CASE("metrics: every family is well formed and every figure where it belongs") {
  Facts given;
  std::string text;
  health::append_metrics(text, given.facts);
  Parser parsed(text);
  const std::string directory = "/srv/a\"b\\cnd";  // as the parser above reads an escaped line end
  using Labels = std::map<std::string, std::string>;
  const std::pair<std::pair<const char*, Labels>, double> rows[] = {
      {{"millrace_build_info", {{"version", "1.2.3"}}}, 1},
      {{"millrace_durability_info", {{"mode", "strict"}}}, 1},
      {{"millrace_requests_total", {{"operation", "GetObject"}}}, 6},
      {{"millrace_requests_total", {{"operation", "PutObject"}}}, 0},
      {{"millrace_request_errors_total", {{"operation", "GetObject"}, {"fault", "client"}}}, 2},
      {{"millrace_request_errors_total", {{"operation", "GetObject"}, {"fault", "server"}}}, 0},
      {{"millrace_sent_bytes_total", {{"operation", "GetObject"}}}, 8192},
      {{"millrace_connections", {{"shard", "1"}}}, 7},
      {{"millrace_connections", {{"shard", "health"}}}, 0},
      {{"millrace_shard_busy_seconds_total", {{"shard", "1"}}}, 1.5},
      {{"millrace_shard_heartbeat_age_seconds", {{"shard", "0"}}}, 0.5},
      {{"millrace_filesystem_state", {{"filesystem", directory}, {"state", "failed"}}}, 1},
      {{"millrace_filesystem_state", {{"filesystem", directory}, {"state", "ok"}}}, 0},
      {{"millrace_filesystem_state_age_seconds", {{"filesystem", directory}}}, 2},
      {{"millrace_filesystem_error_number", {{"filesystem", directory}}}, EIO},
      {{"millrace_filesystem_probes_total", {{"filesystem", directory}}}, 12},
      {{"millrace_filesystem_probes_failed_total", {{"filesystem", directory}}}, 2},
      {{"millrace_filesystem_probe_duration_seconds", {{"filesystem", directory}}}, 0.25},
      {{"millrace_ready", {}}, 0},
      {{"millrace_not_ready", {{"reason", "filesystem failed"}}}, 1},
      {{"millrace_not_ready", {{"reason", "draining"}}}, 0},
      {{"millrace_load_score", {}}, 0.5},
      {{"millrace_requests_active_max", {}}, 100},
      {{"process_cpu_seconds_total", {}}, 4.5},
      {{"process_start_time_seconds", {}}, 1700000000.25},
  };
  for (const auto& [sample, expected] : rows) {
    CAPTURE(sample.first);
    CHECK(parsed.value(sample.first, sample.second) == doctest::Approx(expected));
  }
  // A shard that has not turned has no age.
  CHECK(std::isnan(parsed.value("millrace_shard_heartbeat_age_seconds", {{"shard", "1"}})));
}

TEST_CASE("metrics: histograms are cumulative, in seconds, and end in +Inf") {
  Facts given;
  std::string text;
  health::append_metrics(text, given.facts);
  Parser parsed(text);
  const auto& family = parsed.families.at("millrace_request_duration_seconds");
  REQUIRE(family.type == "histogram");
  double previous_bound = 0.0;
  double previous_count = 0.0;
  std::size_t buckets = 0;
  for (const auto& sample : family.samples) {
    CHECK(sample.labels.at("operation") == "GetObject");  // PutObject was never asked for
    if (!sample.name.ends_with("_bucket")) continue;
    const double bound = std::strtod(sample.labels.at("le").c_str(), nullptr);
    CHECK(bound > previous_bound);
    CHECK(sample.value >= previous_count);
    previous_bound = bound;
    previous_count = sample.value;
    ++buckets;
  }
  CHECK(buckets == engine::Histogram::bucket_count + 1);
  CHECK(std::isinf(previous_bound));
  CHECK(previous_count == 6);
  const auto bucket = [&](const char* bound) {
    return parsed.value("millrace_request_duration_seconds_bucket",
                        {{"operation", "GetObject"}, {"le", bound}});
  };
  CHECK(bucket("1.6e-05") == 2);
  CHECK(bucket("0.000512") == 2);
  CHECK(bucket("0.001024") == 4);
  CHECK(bucket("33.554432") == 4);
  CHECK(parsed.value("millrace_request_duration_seconds_count", {{"operation", "GetObject"}}) == 6);
  CHECK(parsed.value("millrace_request_duration_seconds_sum", {{"operation", "GetObject"}}) ==
        doctest::Approx(6000.00202));
}

TEST_CASE("metrics over a connection: type, methods, token") {
  health::testing::Rig rig;
  rig.options.operations = operation_names;
  SUBCASE("open") {
    rig.start();
    const health::testing::Reply reply = health::testing::get(rig.port, "/metrics");
    CHECK(reply.status() == 200);
    CHECK(reply.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    Parser parsed(reply.body);
    CHECK(parsed.value("millrace_build_info", {{"version", "1.2.3"}}) == 1);
    CHECK(parsed.value("millrace_connections_accepted_total", {{"shard", "health"}}) == 1);
    CHECK(parsed.value("process_open_fds") > 3);
    CHECK(health::testing::get(rig.port, "/metrics", "HEAD").body.empty());
    const health::testing::Reply refused = health::testing::get(rig.port, "/metrics", "POST");
    CHECK(refused.status() == 405);
    CHECK(refused.field("Allow") == "GET, HEAD");
  }
  SUBCASE("behind a token") {
    rig.options.metrics_token = "correct horse";
    rig.start();
    const auto with = [&](const std::string& value) {
      return health::testing::ask(rig.port,
                                  "GET /metrics HTTP/1.0\r\nAuthorization: " + value + "\r\n\r\n");
    };
    CHECK(health::testing::get(rig.port, "/metrics").status() == 401);
    CHECK(health::testing::get(rig.port, "/metrics").body.empty());
    CHECK(health::testing::get(rig.port, "/metrics").field("WWW-Authenticate") == "Bearer");
    CHECK(with("Bearer correct horsf").status() == 401);
    CHECK(with("Bearer correct").status() == 401);
    CHECK(with("Basic correct horse").status() == 401);
    CHECK(with("Bearer correct horse").status() == 200);
    CHECK(health::testing::get(rig.port, "/health/live").status() == 200);
  }
}
