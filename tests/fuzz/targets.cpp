// What the targets share; see targets.h.
#include "tests/fuzz/targets.h"

#include <cstdio>
#include <cstdlib>
#include <functional>

namespace millrace::tests::fuzz {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "property broken: %s\n", what);
  std::abort();
}

bool within(std::string_view view, std::string_view bytes) {
  if (view.empty()) return true;
  const std::less_equal<> ordered;
  return ordered(bytes.data(), view.data()) &&
         ordered(view.data() + view.size(), bytes.data() + bytes.size());
}

unsigned char take_byte(std::string_view& input) {
  if (input.empty()) return 0;
  const char first = input.front();
  input.remove_prefix(1);
  return static_cast<unsigned char>(first);
}

std::string_view take_line(std::string_view& input) {
  const std::size_t end = input.find('\n');
  const std::string_view line = input.substr(0, end);
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return line;
}

}  // namespace millrace::tests::fuzz
