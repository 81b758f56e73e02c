// Drives scanner and parser over bytes, whole or split, for the tests of heads.
#pragma once

#include "http/parser.h"
#include "http/scan.h"

#include <string>
#include <string_view>

namespace millrace::http::test {

// What became of the first head in some bytes: 200 taken, 0 incomplete, else the refusal.
struct Outcome {
  int status = 0;
  std::string reason;
  std::size_t end = 0;  // where the head ends

  bool operator==(const Outcome&) const = default;
};

inline Outcome judge(HeadScanner& scanner, std::string_view bytes, Head& head) {
  const auto extent = scanner.scan(bytes);
  if (!extent) return {extent.error().status, std::string(extent.error().reason), 0};
  if (!extent->complete()) return {};
  const auto parsed = parse_head(bytes.substr(extent->begin, extent->end - extent->begin), head);
  if (!parsed) return {parsed.error().status, std::string(parsed.error().reason), extent->end};
  return {200, {}, extent->end};
}

inline Outcome judge(std::string_view bytes, Head& head) {
  HeadScanner scanner;
  return judge(scanner, bytes, head);
}

inline Outcome judge(std::string_view bytes) {
  Head head;
  return judge(bytes, head);
}

// The first `split` bytes come first, in memory of their own that is gone when the rest comes.
inline Outcome judge_split(std::string_view bytes, std::size_t split) {
  HeadScanner scanner;
  Head head;
  const std::string first(bytes.substr(0, split));
  const Outcome early = judge(scanner, first, head);
  return early.status != 0 ? early : judge(scanner, bytes, head);
}

inline Outcome judge_bytewise(std::string_view bytes) {
  HeadScanner scanner;
  Head head;
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const Outcome outcome = judge(scanner, bytes.substr(0, size), head);
    if (outcome.status != 0) return outcome;
  }
  return judge(scanner, bytes, head);
}

}  // namespace millrace::http::test
