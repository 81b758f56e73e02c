// CHECK stops the process on a programming error, in release builds too. Data-dependent misses
// are Results, never CHECKs. Headers use the long name: test programs have a CHECK of doctest's.
#pragma once

namespace millrace::engine {
[[noreturn, gnu::cold]] void check_failed(const char* expression, const char* file, int line);
}  // namespace millrace::engine

#define MILLRACE_CHECK(expression) \
  (static_cast<bool>(expression)   \
       ? static_cast<void>(0)      \
       : ::millrace::engine::check_failed(#expression, __FILE__, __LINE__))

#ifndef CHECK
#define CHECK(expression) MILLRACE_CHECK(expression)
#endif
