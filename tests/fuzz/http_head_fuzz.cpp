// Fuzzes heads: any bytes, with the first one choosing where they are split. Properties: no
// crash; the split changes nothing; a head that is taken, written out again in canonical form,
// is taken again for the same head; nothing that is taken has two readings of its framing.
#include "http/parser.h"
#include "http/scan.h"
#include "tests/fuzz/targets.h"

#include <memory>
#include <string>

namespace millrace::tests::fuzz {
namespace {

using namespace millrace::http;

// 200 taken, 0 incomplete, else the refusal.
int judge(HeadScanner& scanner, std::string_view bytes, Head& head) {
  const auto extent = scanner.scan(bytes);
  if (!extent) return extent.error().status;
  if (!extent->complete()) return 0;
  require(extent->begin < extent->end && extent->end <= bytes.size(), "extent within the bytes");
  const auto parsed = parse_head(bytes.substr(extent->begin, extent->end - extent->begin), head);
  return parsed ? 200 : parsed.error().status;
}

std::string canonical(const Head& head) {
  std::string text(head.method_text);
  text += ' ';
  text += head.target;
  text += head.version_minor == 1 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n";
  for (const Field& field : head.fields()) {
    text += field.name;
    text += ": ";
    text += field.value;
    text += "\r\n";
  }
  return text + "\r\n";
}

void check_same(const Head& a, const Head& b) {
  require(a.method == b.method && a.method_text == b.method_text, "same method");
  require(a.target == b.target && a.path == b.path && a.query == b.query, "same target");
  require(a.host == b.host && a.version_minor == b.version_minor, "same host and version");
  require(a.chunked == b.chunked && a.content_length == b.content_length, "same framing");
  require(a.keep_alive == b.keep_alive && a.expect_continue == b.expect_continue, "same options");
  require(a.field_count == b.field_count, "same number of fields");
  for (std::size_t i = 0; i < a.field_count; ++i) {
    require(a.fields()[i].name == b.fields()[i].name, "same name");
    require(a.fields()[i].value == b.fields()[i].value, "same value");
  }
}

void check_taken(const Head& head) {
  require(!(head.chunked && head.content_length), "one framing");
  require(head.path.starts_with('/') || head.path == "*", "form of the path");
  require(head.version_minor == 1 || !head.chunked, "no chunks in 1.0");
  unsigned hosts = 0;
  for (const Field& field : head.fields()) {
    if (field_name_equal(field.name, "host")) ++hosts;
    require(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
            "no line ends in values");
  }
  require(hosts == 1 || (hosts == 0 && head.version_minor == 0), "one Host");
}

void run(std::string_view input) {
  if (input.empty()) return;
  const auto first = static_cast<unsigned char>(input.front());
  const std::string_view bytes = input.substr(1);
  const std::size_t split = bytes.empty() ? 0 : first * bytes.size() / 256;

  const auto head = std::make_unique<Head>();
  const auto other = std::make_unique<Head>();
  HeadScanner scanner;
  const int whole = judge(scanner, bytes, *head);

  HeadScanner split_scanner;
  int pieces = judge(split_scanner, bytes.substr(0, split), *other);
  if (pieces == 0) pieces = judge(split_scanner, bytes, *other);
  require(pieces == whole, "splits change nothing");

  if (whole != 200) return;
  check_taken(*head);
  const std::string text = canonical(*head);
  HeadScanner canonical_scanner;
  const int again = judge(canonical_scanner, text, *other);
  // A space after each colon may push a head over a size limit.
  if (again == 431) return;
  require(again == 200, "the canonical form is taken");
  check_same(*head, *other);
}

constexpr std::string_view seeds[] = {
    "\x40GET /b/k?x=%41 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
    "\x10PUT http://h/b/k HTTP/1.1\r\nhost:h\r\nTransfer-Encoding: chunked\r\nExpect: "
    "100-continue\r\n\r\n",
    "\xf0\r\nOPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\nX-Amz-Meta-A:  b c \r\n\r\n"};

}  // namespace

const Target http_head{.name = "http_head", .run = run, .seeds = seeds};

}  // namespace millrace::tests::fuzz
