// The help pages. Pure. Lines are broken at 80 columns.
#include "tools/options.h"

#include <fmt/format.h>

namespace millrace::tools {
namespace {

constexpr std::size_t indent = 6;
constexpr std::size_t columns = 80;

constexpr std::string_view main_page = R"(millrace: an S3 server for files on a POSIX filesystem

Usage:
  millrace serve --data DIR [flags]   serve DIR over S3
  millrace check --data DIR [flags]   show what this machine and this filesystem can
                                      do, and whether serve would start
  millrace cluster VERB [flags]       create, watch, change and destroy a cluster
  millrace version                    print the version
  millrace COMMAND --help             explain a command and its flags

Examples:
  millrace check --data /srv/s3
  millrace serve --data /srv/s3
  MILLRACE_ACCESS_KEY=admin MILLRACE_SECRET_KEY=change-me-please \
    millrace serve --data /srv/s3 --listen 127.0.0.1:9000

Exit status:
  0  done, or stopped as asked
  1  refused to start, or a check failed; one line on standard error says what to do
  2  a flag, an environment variable or the configuration file is wrong
)";

constexpr std::string_view serve_page = R"(Serves the directory DIR over S3.

Usage:
  millrace serve --data DIR [flags]
  millrace serve --config-fs DIR [flags]    as a container of a cluster

Examples:
  millrace serve --data /srv/s3
  millrace serve --config-fs /mnt/config
  millrace serve --data /srv/s3 --listen 10.0.0.1:9000 --listen '[::1]:9000'
  millrace serve --data /srv/s3 --cores 0-3,6 --domain s3.example.com
  millrace serve --config /etc/millrace.toml

A configuration file holds the same settings, one on each line:
  data = "/srv/s3"
  listen = ["10.0.0.1:9000", "[::1]:9000"]
  drain_deadline = 60

A flag goes before its environment variable, that before the key in the file.
Flags marked * may be given several times, or once with commas.

Root credentials come from MILLRACE_ACCESS_KEY and MILLRACE_SECRET_KEY, else
from DIR/.millrace/credentials; without both, the first start writes that file
and shows them once.
)";

constexpr std::string_view check_page =
    R"(Shows what this kernel and the filesystem of DIR can do, and whether
`millrace serve` with the same flags would start. Changes nothing that stays.

Usage:
  millrace check --data DIR [flags]

Examples:
  millrace check --data /srv/s3
  millrace check --config /etc/millrace.toml

Exit status:
  0  serve would start
  1  serve would refuse; the last line says why
  2  a flag, an environment variable or the configuration file is wrong
)";

void append_wrapped(std::string& page, std::string_view text) {
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column == 0 || column + 1 + word.size() > columns) {
      if (column != 0) page += '\n';
      page.append(indent, ' ');
      column = indent;
    } else {
      page += ' ';
      ++column;
    }
    page += word;
    column += word.size();
  }
  page += '\n';
}

std::string flag_list() {
  std::string page =
      "\nFlags, with their environment variables (the keys are the flags' names with _):\n";
  for (const SettingSpec& spec : setting_specs()) {
    page += fmt::format(
        "  {:<34}{}\n",
        fmt::format("{} {}{}", flag_name(spec.key), spec.value_name, spec.repeated ? " *" : ""),
        environment_name(spec.key));
    std::string text(spec.help);
    if (!spec.fallback.empty()) text += fmt::format(" [default: {}]", spec.fallback);
    append_wrapped(page, text);
  }
  page += fmt::format("  {:<34}{}\n", "--config FILE", "MILLRACE_CONFIG");
  append_wrapped(page, "The configuration file, in TOML. [default: none]");
  page += "  -h, --help\n";
  append_wrapped(page, "This page.");
  return page;
}

}  // namespace

std::string help_page(Verb verb) {
  switch (verb) {
    case Verb::serve: return std::string(serve_page) + flag_list();
    case Verb::check: return std::string(check_page) + flag_list();
    case Verb::version: return "Prints the version.\n\nUsage:\n  millrace version\n";
    case Verb::help: break;
  }
  return std::string(main_page);
}

}  // namespace millrace::tools
