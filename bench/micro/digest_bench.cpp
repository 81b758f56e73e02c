// What digests cost for each byte of a body, in pieces as they come from the socket: the MD5 and
// the blocks' XXH3 of every PUT, and each checksum that may be wanted beside them. And what MD5
// costs when several bodies are hashed side by side.
#include "s3/digest/checksum.h"
#include "s3/digest/md5_lanes.h"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace millrace::bench {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

void digest(benchmark::State& state) {
  const auto algorithm = static_cast<s3::ChecksumAlgorithm>(state.range(0));
  const std::vector<std::byte> piece(static_cast<std::size_t>(state.range(1)), std::byte{0x5a});
  s3::Checksum checksum(algorithm);
  for (auto step : state) {
    checksum.update(piece);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(checksum.finish());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * piece.size()));
  state.SetLabel(std::string(s3::checksum_name(algorithm)));
}

void every_algorithm(benchmark::internal::Benchmark* bench) {
  for (std::int64_t i = 1; i <= static_cast<std::int64_t>(s3::checksum_algorithms); ++i) {
    bench->Args({i, piece_bytes});
  }
  bench->Args({static_cast<std::int64_t>(s3::default_checksum), 4096});
}
BENCHMARK(digest)->Apply(every_algorithm);

// The lanes' pieces lie apart as body buffers do.
void md5_lanes(benchmark::State& state) {
  const auto which = static_cast<std::size_t>(state.range(0));
  const auto count = static_cast<std::size_t>(state.range(1));
  const auto bytes = static_cast<std::size_t>(state.range(2));
  const s3::Md5Kernel& kernel = s3::md5_kernels()[which];
  const std::vector<std::byte> memory(count * piece_bytes, std::byte{0x5a});
  std::vector<s3::Md5Lane> lanes(count);
  for (auto step : state) {
    for (std::size_t i = 0; i < count; ++i) lanes[i].at = memory.data() + i * piece_bytes;
    kernel.advance(lanes, bytes / s3::Md5::block_bytes);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * count * bytes));
  state.SetLabel(std::string(kernel.name));
}

void every_kernel(benchmark::internal::Benchmark* bench) {
  for (std::size_t kernel = 0; kernel < s3::md5_kernels().size(); ++kernel) {
    for (const std::int64_t lanes : {1, 2, 4, 8, 16}) {
      for (const std::int64_t bytes : {4096, 128 * 1024}) {
        bench->Args({static_cast<std::int64_t>(kernel), lanes, bytes});
      }
    }
  }
}
BENCHMARK(md5_lanes)->Apply(every_kernel);

// The checksum of 10,000 parts of 8 MiB out of theirs: what CompleteMultipartUpload does.
void combine_parts(benchmark::State& state) {
  s3::Checksum checksum(s3::default_checksum);
  checksum.update(s3::bytes_of("a part"));
  const s3::ChecksumValue part = checksum.finish();
  for (auto step : state) {
    s3::ChecksumValue whole = part;
    for (int i = 1; i < 10'000; ++i) whole = *s3::combine(whole, part, 8 << 20);
    benchmark::DoNotOptimize(whole);
  }
}
BENCHMARK(combine_parts)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace millrace::bench
