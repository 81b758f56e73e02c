// The command line of `millrace cluster`, by CLI11, whose exceptions end here.
#include "tools/cluster/command.h"

#include "tools/cluster/administration.h"
#include "tools/cluster/report.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstdio>
#include <utility>

namespace millrace::tools {

namespace {

using Verb = ClusterCommand::Verb;

constexpr const char* page =
    R"(Creates, watches, changes and destroys a cluster: containers (one `millrace serve`
on a host each) that serve the same data. All of them mount two filesystems: the
data and a small one for the cluster's configuration.

Usage:
  millrace cluster create --config-fs DIR --data NAME=DIR [flags]
      --port N                  where every container serves S3 [default: 9000]
      --health-port N           and health checks and metrics [default: 9001]
      --domain NAME *           serve bucket.NAME as the bucket's own host
      --region NAME             that signatures must name [default: us-east-1]
      --durability MODE         strict, data or none [default: strict]
      --container NAME *        only these may join [default: whoever comes]
      --force                   also if DIR belongs to a cluster that was lost
  millrace cluster status --config-fs DIR [--json | --watch]
  millrace cluster containers list --config-fs DIR [--json]
  millrace cluster containers add|remove|drain|undrain NAME --config-fs DIR
  millrace cluster events --config-fs DIR [--follow] [--json]
  millrace cluster destroy --config-fs DIR [--force]
      removes the cluster and its configuration, never an object; --force: also
      when there are buckets, and without asking

Flags marked * may be given several times.

Examples:
  millrace cluster create --config-fs /mnt/config --data main=/mnt/objects
  millrace serve --config-fs /mnt/config            # on each host
  millrace cluster status --config-fs /mnt/config

Root credentials come from MILLRACE_ACCESS_KEY and MILLRACE_SECRET_KEY at
`create`, else from the data directory, else they are made and shown once.

Exit status:
  0  done
  1  refused; one line on standard error says what to do, nothing was changed
  2  a flag or a verb is wrong
)";

struct Parser {
  CLI::App app;
  ClusterCommand command;
  bool help = false;

  Parser() {
    app.require_subcommand(0, 1);
    CLI::App* const create = verb(app, "create", Verb::create);
    create->add_option("--data", command.data)->allow_extra_args(false);
    create->add_option("--container", command.containers)->allow_extra_args(false);
    create->add_option("--domain", command.domains)->allow_extra_args(false);
    create->add_option("--port", command.port)->check(CLI::Range(1, 65535));
    create->add_option("--health-port", command.health_port)->check(CLI::Range(1, 65535));
    create->add_option("--region", command.region);
    create->add_option("--durability", command.durability);
    create->add_flag("--force", command.force);
    CLI::App* const status = verb(app, "status", Verb::status);
    status->add_flag("--json", command.json);
    status->add_flag("--watch", command.watch)->excludes("--json");
    CLI::App* const containers = app.add_subcommand("containers");
    containers->set_help_flag();
    containers->add_flag("-h,--help", help);
    containers->require_subcommand(0, 1);
    verb(*containers, "list", Verb::containers_list)->add_flag("--json", command.json);
    const std::pair<const char*, Verb> changes[] = {{"add", Verb::containers_add},
                                                    {"remove", Verb::containers_remove},
                                                    {"drain", Verb::containers_drain},
                                                    {"undrain", Verb::containers_undrain}};
    for (const auto& [name, what] : changes) {
      verb(*containers, name, what)->add_option("NAME", command.containers)->required();
    }
    CLI::App* const events = verb(app, "events", Verb::events);
    events->add_flag("--json", command.json);
    events->add_flag("--follow", command.follow);
    verb(app, "destroy", Verb::destroy)->add_flag("--force", command.force);
    app.set_help_flag();
    app.add_flag("-h,--help", help);
  }

  CLI::App* verb(CLI::App& parent, const char* name, Verb what) {
    CLI::App* const made = parent.add_subcommand(name);
    made->set_help_flag();
    made->add_flag("-h,--help", help);
    made->add_option("--config-fs", command.config_fs)->envname("MILLRACE_CONFIG_FS");
    made->callback([this, what] { command.verb = what; });
    return made;
  }
};

int run(const ClusterCommand& command, const char* const* environment) {
  switch (command.verb) {
    case Verb::help: std::fputs(command.help.c_str(), stdout); return 0;
    case Verb::status:
    case Verb::containers_list: return report_status(command);
    case Verb::events: return report_events(command);
    case Verb::create: return create_cluster(command, environment);
    case Verb::destroy: return destroy_cluster(command);
    case Verb::containers_add:
    case Verb::containers_remove:
    case Verb::containers_drain:
    case Verb::containers_undrain: return change_containers(command);
  }
  return 2;
}

}  // namespace

Allowed<ClusterCommand> parse_cluster_command(int count, const char* const* words) {
  constexpr const char* remedy = "`millrace cluster --help` shows how it is used";
  Parser parser;
  try {
    // CLI11 takes the words from the last to the first.
    std::vector<std::string> reversed;
    for (int i = count; i-- > 0;) reversed.emplace_back(words[i]);
    parser.app.parse(std::move(reversed));
  } catch (const CLI::Error& error) {
    if (!parser.help) return refuse("millrace cluster", error.what(), remedy);
  }
  ClusterCommand command = std::move(parser.command);
  if (parser.help || command.verb == Verb::help) {
    command.verb = Verb::help;
    command.help = page;
    return command;
  }
  if (command.config_fs.empty()) {
    return refuse("--config-fs", "is missing",
                  "name the mounted configuration filesystem, or set MILLRACE_CONFIG_FS");
  }
  return command;
}

int cluster_command(int count, const char* const* words, const char* const* environment) {
  const auto command = parse_cluster_command(count, words);
  if (!command.has_value()) {
    std::fprintf(stderr, "%s\n", command.error().line().c_str());
    return 2;
  }
  return run(*command, environment);
}

}  // namespace millrace::tools
