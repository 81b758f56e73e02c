// The command line of `millrace cluster`, by CLI11, whose exceptions end here.
#include "tools/cluster/command.h"

#include "tools/cluster/administration.h"
#include "tools/cluster/found.h"
#include "tools/cluster/report.h"
#include "tools/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <utility>

namespace millrace::tools {

namespace {

using Do = ClusterCommand::Verb;

constexpr const char* page =
    R"(Creates, watches, changes and destroys a cluster: containers (one `millrace serve`
on a host each) that serve the same data. All of them mount two filesystems: the
data and a small one for the cluster's configuration.

Usage:
  millrace cluster create --config-fs DIR --data NAME=DIR [settings] [--force]
      --force                   also if DIR belongs to a cluster that was lost
  millrace cluster status WHERE [--json | --watch]
  millrace cluster update WHERE settings [--wait SECONDS]
      containers start again one after the other to serve by new settings; says
      which have, and waits for them [default: 120 seconds]
      --no-domain               path style only
      --any-container           whoever comes may join
      --finalize                use what is new, once all containers are upgraded
  millrace cluster containers list WHERE [--json]
  millrace cluster containers add|remove|drain|undrain NAME WHERE
  millrace cluster events WHERE [--follow] [--json]
  millrace cluster destroy WHERE [--force]
      removes the cluster and its configuration, never an object; --force: also
      when there are buckets, and without asking

Settings:
  --port N                  where every container serves S3 [default: 9000]
  --health-port N           and health checks and metrics [default: 9001]
  --domain NAME *           serve bucket.NAME as the bucket's own host
  --region NAME             that signatures must name [default: us-east-1]
  --durability MODE         strict, data or none [default: strict]
  --container NAME *        only these may join [default: whoever comes]
  --max-buckets N           0: no limit [default: 10000]
  --anonymous-posix-uid N   owner of what is written without a signature,
  --anonymous-posix-gid N   where that is allowed [default: 65534]

WHERE is one of:
  --config-fs DIR           the mounted configuration filesystem; or MILLRACE_CONFIG_FS
  --endpoint URL            http(s)://HOST:PORT, any container's health port, with the
                            root keys in MILLRACE_ACCESS_KEY and MILLRACE_SECRET_KEY
  --ca-bundle FILE          with https: whom to trust [default: the system's]

Flags marked * may be given several times.

Examples:
  millrace cluster create --config-fs /mnt/config --data main=/mnt/objects
  millrace serve --config-fs /mnt/config            # on each host
  millrace cluster status --config-fs /mnt/config
  millrace cluster update --domain s3.example.com --config-fs /mnt/config

Root credentials come from MILLRACE_ACCESS_KEY and MILLRACE_SECRET_KEY at
`create`, else from the data directory, else they are made and shown once.

Exit status:
  0  done
  1  refused; one line on standard error says what to do, nothing was changed
  2  a flag or a verb is wrong
  3  published, but not confirmed by all live containers in time
)";

struct Parser {
  CLI::App app;
  ClusterCommand command;
  bool help = false;

  Parser() {
    app.require_subcommand(0, 1);
    CLI::App* const create = verb(app, "create", Do::create);
    create->add_option("--data", command.data)->allow_extra_args(false);
    create->add_flag("--force", command.force);
    add_settings(*create);
    CLI::App* const status = verb(app, "status", Do::status);
    status->add_flag("--json", command.json);
    status->add_flag("--watch", command.watch)->excludes("--json");
    CLI::App* const update = verb(app, "update", Do::update);
    add_settings(*update);
    update->add_flag("--no-domain", command.no_domain)->excludes("--domain");
    update->add_flag("--any-container", command.any_container)->excludes("--container");
    update->add_flag("--finalize", command.finalize);
    update->add_option("--wait", command.wait_s)->check(CLI::Range(0, 86400));
    CLI::App* const containers = app.add_subcommand("containers");
    containers->set_help_flag();
    containers->add_flag("-h,--help", help);
    containers->require_subcommand(0, 1);
    verb(*containers, "list", Do::containers_list)->add_flag("--json", command.json);
    const std::pair<const char*, Do> changes[] = {{"add", Do::containers_add},
                                                  {"remove", Do::containers_remove},
                                                  {"drain", Do::containers_drain},
                                                  {"undrain", Do::containers_undrain}};
    for (const auto& [name, what] : changes) {
      verb(*containers, name, what)->add_option("NAME", command.containers)->required();
    }
    CLI::App* const events = verb(app, "events", Do::events);
    events->add_flag("--json", command.json);
    events->add_flag("--follow", command.follow);
    verb(app, "destroy", Do::destroy)->add_flag("--force", command.force);
    app.set_help_flag();
    app.add_flag("-h,--help", help);
  }

  void add_settings(CLI::App& to) {
    to.add_option("--container,--containers", command.containers)
        ->delimiter(',')
        ->allow_extra_args(false);
    to.add_option("--domain", command.domains)->allow_extra_args(false);
    to.add_option("--port", command.port)->check(CLI::Range(1, 65535));
    to.add_option("--health-port", command.health_port)->check(CLI::Range(1, 65535));
    to.add_option("--region", command.region);
    to.add_option("--durability", command.durability);
    to.add_option("--max-buckets", command.buckets_max);
    // The highest number means "nobody" to chown(2).
    const CLI::Range owner(0.0, 4294967294.0);
    to.add_option("--anonymous-posix-uid", command.anonymous_uid)->check(owner);
    to.add_option("--anonymous-posix-gid", command.anonymous_gid)->check(owner);
  }

  CLI::App* verb(CLI::App& parent, const char* name, Do what) {
    CLI::App* const made = parent.add_subcommand(name);
    made->set_help_flag();
    made->add_flag("-h,--help", help);
    CLI::Option* const config_fs = made->add_option("--config-fs", command.config_fs);
    if (what != Do::create) {
      made->add_option("--endpoint", command.endpoint)->excludes(config_fs);
      made->add_option("--ca-bundle", command.ca_bundle)->needs("--endpoint");
    }
    made->callback([this, what] { command.verb = what; });
    return made;
  }
};

int run(const ClusterCommand& command, const char* const* environment) {
  switch (command.verb) {
    case Do::help: std::fputs(command.help.c_str(), stdout); return 0;
    case Do::status:
    case Do::containers_list: return report_status(command, environment);
    case Do::events: return report_events(command, environment);
    case Do::create: return create_cluster(command, environment);
    case Do::update: return update_cluster(command, environment);
    case Do::destroy: return destroy_cluster(command, environment);
    case Do::containers_add:
    case Do::containers_remove:
    case Do::containers_drain:
    case Do::containers_undrain: return change_containers(command, environment);
  }
  return 2;
}

}  // namespace

Allowed<ClusterCommand> parse_cluster_command(int count, const char* const* words,
                                              const char* const* environment) {
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
  if (parser.help || command.verb == Do::help) {
    command.verb = Do::help;
    command.help = page;
    return command;
  }
  if (!command.config_fs.empty() || !command.endpoint.empty()) return command;
  const auto settings = settings_from_environment(environment);
  if (const auto found = settings.find("config_fs"); found != settings.end()) {
    command.config_fs = found->second.values.front();
    return command;
  }
  return refuse("--config-fs", "is missing",
                "name the mounted configuration filesystem, or set MILLRACE_CONFIG_FS");
}

int cluster_command(int count, const char* const* words, const char* const* environment) {
  const auto command = parse_cluster_command(count, words, environment);
  if (!command.has_value()) {
    std::fprintf(stderr, "%s\n", command.error().line().c_str());
    return 2;
  }
  try {
    return run(*command, environment);
  } catch (const nlohmann::json::exception& error) {
    // What a container of another version answers may lack something.
    return refused({"the answer", error.what(), "use the version of millrace that it has"});
  }
}

}  // namespace millrace::tools
