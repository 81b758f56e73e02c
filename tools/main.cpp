// The executable `millrace`: takes the command line apart and calls its verb.
// Exit status: 0 done, 1 refused, 2 wrong usage.
#include "tools/check_command.h"
#include "tools/cluster/command.h"
#include "tools/options.h"
#include "tools/serve.h"

#include <unistd.h>

#include <cstdio>
#include <string_view>

int main(int count, char** arguments) {
  using namespace millrace::tools;
  if (count > 1 && std::string_view(arguments[1]) == "cluster") {
    return cluster_command(count - 2, arguments + 2, environ);
  }
  const auto line = parse_command_line(count, arguments, environ);
  if (!line.has_value()) {
    std::fprintf(stderr, "%s\n", line.error().line().c_str());
    return 2;
  }
  switch (line->verb) {
    case Verb::help: std::fputs(line->help.c_str(), stdout); return 0;
    case Verb::version: std::puts("millrace " MILLRACE_VERSION); return 0;
    case Verb::check: return check(line->options, environ);
    case Verb::serve: return serve(line->options);
  }
  return 2;
}
