// The table of Range values.
#include "http/range.h"

#include <doctest/doctest.h>
#include <array>

namespace millrace::http {
namespace {

using Kind = RangeAnswer::Kind;

struct Row {
  std::string_view value;
  std::uint64_t size;
  Kind kind;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

constexpr std::uint64_t huge = ~std::uint64_t{0};

constexpr auto rows = std::to_array<Row>({
    {"", 100, Kind::none},
    {"", 0, Kind::none},
    {"bytes=0-0", 100, Kind::slice, 0, 1},
    {"bytes=0-99", 100, Kind::slice, 0, 100},
    {"bytes=0-100", 100, Kind::slice, 0, 100},
    {"bytes=0-", 100, Kind::slice, 0, 100},
    {"bytes=99-", 100, Kind::slice, 99, 1},
    {"bytes=10-19", 100, Kind::slice, 10, 10},
    {"bytes=010-0019", 100, Kind::slice, 10, 10},
    {"Bytes=1-2", 100, Kind::slice, 1, 2},
    {"bytes= 1-2 ", 100, Kind::slice, 1, 2},
    {"bytes=-1", 100, Kind::slice, 99, 1},
    {"bytes=-100", 100, Kind::slice, 0, 100},
    {"bytes=-101", 100, Kind::slice, 0, 100},
    {"bytes=-99999999999999999999999", 100, Kind::slice, 0, 100},
    {"bytes=5-99999999999999999999999", 100, Kind::slice, 5, 95},
    {"bytes=0-18446744073709551615", huge, Kind::slice, 0, huge},
    {"bytes=18446744073709551614-", huge, Kind::slice, huge - 1, 1},
    {"bytes=100-", 100, Kind::unsatisfiable},
    {"bytes=100-200", 100, Kind::unsatisfiable},
    {"bytes=99999999999999999999999-", 100, Kind::unsatisfiable},
    {"bytes=99999999999999999999998-99999999999999999999999", 100, Kind::unsatisfiable},
    {"bytes=-0", 100, Kind::unsatisfiable},
    {"bytes=0-", 0, Kind::unsatisfiable},
    {"bytes=0-0", 0, Kind::unsatisfiable},
    {"bytes=-1", 0, Kind::unsatisfiable},
    {"bytes=2-1", 100, Kind::ignored},
    {"bytes=200-100", 100, Kind::ignored},
    {"bytes=0-0,2-3", 100, Kind::ignored},
    {"bytes=0-0,-1", 100, Kind::ignored},
    {"bytes=,0-1", 100, Kind::ignored},
    {"bytes=0-1,", 100, Kind::ignored},
    {"bytes=", 100, Kind::ignored},
    {"bytes=-", 100, Kind::ignored},
    {"bytes=5", 100, Kind::ignored},
    {"bytes=a-b", 100, Kind::ignored},
    {"bytes=0-b", 100, Kind::ignored},
    {"bytes=0--1", 100, Kind::ignored},
    {"bytes=--1", 100, Kind::ignored},
    {"bytes=+0-1", 100, Kind::ignored},
    {"bytes=0x0-0x1", 100, Kind::ignored},
    {"bytes=0 -1", 100, Kind::ignored},
    {"bytes=0- 1", 100, Kind::ignored},
    {"bytes 0-1", 100, Kind::ignored},
    {"bytes =0-1", 100, Kind::ignored},
    {"bytes:0-1", 100, Kind::ignored},
    {"items=0-1", 100, Kind::ignored},
    {"byte=0-1", 100, Kind::ignored},
    {"=0-1", 100, Kind::ignored},
    {"0-1", 100, Kind::ignored},
});

TEST_CASE("range: the table") {
  for (const Row& row : rows) {
    CAPTURE(row.value);
    CAPTURE(row.size);
    const RangeAnswer answer = parse_range(row.value, row.size);
    CHECK(answer.kind == row.kind);
    CHECK(answer.offset == row.offset);
    CHECK(answer.length == row.length);
  }
}

}  // namespace
}  // namespace millrace::http
