// The command line, by CLI11, whose exceptions end here. Main thread.
// CLI11 only takes the words apart; meanings, defaults and help come from the table of settings.
#include "tools/options.h"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstring>
#include <memory>

namespace millrace::tools {
namespace {

using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

// Every flag takes one value and may come again; who may not is told so by apply_setting.
void add_flags(CLI::App& verb, Values& values) {
  const auto add = [&](std::string_view key) {
    auto& target = values[std::string(key)];
    verb.add_option(flag_name(key), target)->allow_extra_args(false);
  };
  for (const SettingSpec& spec : setting_specs()) add(spec.key);
  add("config");
}

std::vector<std::string> known_flags() {
  std::vector<std::string> flags = {"--config", "--help"};
  for (const SettingSpec& spec : setting_specs()) flags.push_back(flag_name(spec.key));
  return flags;
}

std::unexpected<Refusal> refuse_word(const std::string& word, std::string_view verb) {
  const bool flag = word.starts_with('-');
  const std::string name = word.substr(0, word.find('='));
  const std::vector<std::string> verbs = {"serve", "check", "cluster", "version"};
  std::string remedy =
      verb.empty() && !flag ? nearest_name(name, verbs) : nearest_name(name, known_flags());
  if (remedy.empty()) {
    remedy =
        fmt::format("`millrace{}{} --help` lists what is allowed", verb.empty() ? "" : " ", verb);
  }
  const char* kind = flag ? "unknown flag" : verb.empty() ? "unknown command" : "unexpected word";
  return refuse(name, kind, std::move(remedy));
}

Allowed<std::string> config_path(const Values& values, const char* const* environment) {
  if (const auto& paths = values.at("config"); !paths.empty()) {
    if (paths.size() == 1) return paths[0];
    return refuse("--config", fmt::format("has {} values", paths.size()), "give one");
  }
  constexpr std::string_view variable = "MILLRACE_CONFIG=";
  for (; *environment != nullptr; ++environment) {
    if (std::string_view(*environment).starts_with(variable)) {
      return std::string(*environment + variable.size());
    }
  }
  return std::string();
}

Allowed<ServeOptions> gather(const Values& values, const char* const* environment) {
  Settings flags;
  for (const auto& [key, texts] : values) {
    if (!texts.empty() && key != "config") flags[key] = {flag_name(key), texts};
  }
  const Settings variables = settings_from_environment(environment);
  auto path = config_path(values, environment);
  if (!path.has_value()) return std::unexpected(std::move(path.error()));
  Settings file;
  if (!path->empty()) {
    auto read = settings_from_file(*path);
    if (!read.has_value()) return std::unexpected(std::move(read.error()));
    file = std::move(*read);
  }
  const Settings* const sources[] = {&flags, &variables, &file};
  auto options = make_options(sources);
  if (options.has_value()) options->config = std::move(*path);
  return options;
}

struct Parser {
  CLI::App app;
  CLI::App* serve = app.add_subcommand("serve");
  CLI::App* check = app.add_subcommand("check");
  CLI::App* version = app.add_subcommand("version");
  Values values;
  bool help = false;
  bool show_version = false;

  Parser() {
    app.set_help_flag();
    app.add_flag("--version", show_version);
    app.allow_extras();
    app.require_subcommand(0, 1);
    for (CLI::App* part : {&app, serve, check, version}) {
      part->set_help_flag();
      part->add_flag("-h,--help", help);
      if (part != &app) part->allow_extras()->prefix_command(false);
    }
    add_flags(*serve, values);
    add_flags(*check, values);
  }
};

Allowed<CommandLine> interpret(const Parser& parser, const char* const* environment) {
  const auto used = parser.app.get_subcommands();
  const CLI::App* verb = used.empty() ? nullptr : used.front();
  const std::string name = verb == nullptr ? "" : verb->get_name();
  CommandLine line;
  if (verb == parser.serve) line.verb = Verb::serve;
  if (verb == parser.check) line.verb = Verb::check;
  if (verb == parser.version) line.verb = Verb::version;
  if (parser.help) {
    line.help = help_page(line.verb);
    line.verb = Verb::help;
    return line;
  }
  // With `recurse`, the words that neither the program nor the verb knew.
  if (const auto extras = parser.app.remaining(true); !extras.empty()) {
    return refuse_word(extras.front(), name);
  }
  if (verb == nullptr) {
    line.verb = parser.show_version ? Verb::version : Verb::help;
    line.help = help_page(Verb::help);
    return line;
  }
  if (line.verb != Verb::version) {
    auto options = gather(parser.values, environment);
    if (!options.has_value()) return std::unexpected(std::move(options.error()));
    if (line.verb == Verb::check && !options->config_fs.empty()) {
      return refuse("--config-fs", "is for serve", "check the data directory: give --data");
    }
    line.options = std::move(*options);
  }
  return line;
}

}  // namespace

Allowed<CommandLine> parse_command_line(int count, const char* const* arguments,
                                        const char* const* environment) {
  try {
    const auto parser = std::make_unique<Parser>();
    parser->app.parse(count, arguments);
    return interpret(*parser, environment);
  } catch (const CLI::Error& error) {
    // CLI11's text names the flag: "--cores: 1 required TEXT missing".
    const std::string text = error.what();
    const std::size_t colon = text.find(": ");
    const bool named = text.starts_with("--") && colon != std::string::npos;
    return refuse(named ? text.substr(0, colon) : "command line", named ? "lacks its value" : text,
                  "`millrace --help` shows how it is used");
  }
}

}  // namespace millrace::tools
