// What a key and an object's metadata cost between the request and the filesystem.
#include "engine/check.h"
#include "s3/store/key.h"
#include "s3/store/metadata.h"
#include "s3/store/names.h"

#include <benchmark/benchmark.h>

#include <array>
#include <vector>

namespace millrace::bench {
namespace {

namespace store = s3::store;

void parse_key(benchmark::State& state) {
  for (auto step : state) {
    benchmark::DoNotOptimize(store::Key::parse("photos/2026/07/caf%C3%A9/object-00042.jpeg"));
  }
}
BENCHMARK(parse_key);

void map_key(benchmark::State& state) {
  const auto key = store::Key::parse("photos/2026/07/caf%C3%A9/object-00042.jpeg");
  store::MappedPath path;
  for (auto step : state) {
    store::map(*key, path);
    benchmark::DoNotOptimize(path.view());
  }
}
BENCHMARK(map_key);

void decode_metadata(benchmark::State& state) {
  store::MetadataView view;
  view.size = view.file_size = 4096;
  view.content_type = "image/jpeg";
  std::array<store::Pair, 2> pairs{{{"author", "somebody"}, {"camera", "a box with a hole"}}};
  std::array<std::byte, 256> packed;
  view.user = *store::PackedPairs::pack(pairs, packed);
  std::array<std::byte, 1024> attribute;
  std::vector<std::byte> sidecar;
  const auto encoded = store::encode(view, attribute.size(), attribute, sidecar);
  MILLRACE_CHECK(encoded && !encoded->has_sidecar);
  const auto bytes = std::span(attribute).first(encoded->attribute_bytes);
  for (auto step : state) benchmark::DoNotOptimize(store::decode(bytes));
}
BENCHMARK(decode_metadata);

}  // namespace
}  // namespace millrace::bench
