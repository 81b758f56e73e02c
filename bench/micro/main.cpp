// The micro-benchmarks' program: `micro-bench --benchmark_filter=NAME`, see --help.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
