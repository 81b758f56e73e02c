// A test that cannot run here says so: MILLRACE_SKIP("needs root") leaves the test case, which
// tests/run.py then counts as skipped, not as passed. doctest has no way to say it at run time.
// The line goes to the file that MILLRACE_SKIP_FILE names, or to standard error.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

namespace millrace::tests {

inline void report_skip(const char* reason) {
  const char* name = doctest::getContextOptions()->currentTest->m_name;
  const char* path = std::getenv("MILLRACE_SKIP_FILE");
  std::FILE* file = path != nullptr ? std::fopen(path, "a") : nullptr;
  std::fprintf(file != nullptr ? file : stderr, "SKIPPED: %s: %s\n", name, reason);
  if (file != nullptr) std::fclose(file);
}

}  // namespace millrace::tests

// Only in the body of a TEST_CASE or SUBCASE: it returns from it.
#define MILLRACE_SKIP(reason)               \
  do {                                      \
    ::millrace::tests::report_skip(reason); \
    return;                                 \
  } while (false)
