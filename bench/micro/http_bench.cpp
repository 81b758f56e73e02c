// What HTTP costs a small request: finding the end of its head, parsing it, writing the answer's.
#include "bench/micro/sample.h"
#include "http/parser.h"
#include "http/response_head.h"
#include "http/scan.h"

#include <benchmark/benchmark.h>

#include <array>

namespace millrace::bench {
namespace {

void scan_head(benchmark::State& state) {
  const std::string bytes = presigned_get();
  for (auto step : state) {
    http::HeadScanner scanner;
    benchmark::DoNotOptimize(scanner.scan(bytes));
  }
}
BENCHMARK(scan_head);

void parse_head(benchmark::State& state) {
  const std::string bytes = presigned_get();
  http::Head head;
  for (auto step : state) benchmark::DoNotOptimize(http::parse_head(bytes, head));
}
BENCHMARK(parse_head);

// With the fields that GetObject answers with.
void write_head(benchmark::State& state) {
  std::array<char, 1024> area;
  for (auto step : state) {
    http::HeadWriter writer(area);
    std::ignore = writer.status(200);
    std::ignore = writer.field("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    std::ignore = writer.field("Server", "Millrace");
    std::ignore = writer.field("x-amz-request-id", "0123456789ABCDEF");
    std::ignore = writer.field("x-amz-id-2", "0123456789ABCDEF");
    std::ignore = writer.field("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    std::ignore = writer.etag("0123456789abcdef0123456789abcdef");
    std::ignore = writer.field("Accept-Ranges", "bytes");
    std::ignore = writer.field("Content-Type", "binary/octet-stream");
    std::ignore = writer.field("Content-Length", std::uint64_t{4096});
    benchmark::DoNotOptimize(writer.finish());
  }
}
BENCHMARK(write_head);

}  // namespace
}  // namespace millrace::bench
