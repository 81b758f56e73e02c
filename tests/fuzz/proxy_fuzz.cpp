// Fuzzes the PROXY protocol's headers, both versions. Properties: no crash; what is not complete
// asks for more than it has; asking byte by byte ends with the same answer; a source is an address.
#include "http/proxy.h"
#include "tests/fuzz/targets.h"

#include <cstring>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::http;

void run(std::string_view input) {
  std::size_t size = 0;
  while (true) {
    const auto header = parse_proxy_header(input.substr(0, size));
    if (!header) return;
    if (header->complete) {
      require(header->wanted_bytes <= proxy_header_bytes_max, "within the limit");
      const auto family = header->source.ss_family;
      require(!header->has_source || family == AF_INET || family == AF_INET6, "an address");
      return;
    }
    require(header->wanted_bytes > 0, "it asks for more");
    size += header->wanted_bytes;
    if (size > input.size()) return;
    require(size <= proxy_header_bytes_max, "not for ever");
  }
}

using namespace std::string_view_literals;
constexpr std::string_view seeds[] = {
    "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET /"sv,
    "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"sv, "PROXY UNKNOWN\r\n"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\x1f\x90\x00\x50"sv,
    "\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x03\x01\x00\x00"sv};

}  // namespace

const Target proxy{.name = "proxy", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
