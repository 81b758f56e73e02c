// The banner, for a terminal and for a log. Pure.
#include "tools/banner.h"

#include "tools/filesystem_check.h"
#include "tools/toml_document.h"

#include <fmt/format.h>

#include <unistd.h>

namespace millrace::tools {
namespace {

std::string endpoint_lines(const char* title, const std::vector<std::string>& endpoints) {
  std::string text;
  for (std::size_t at = 0; at < endpoints.size(); ++at) {
    text += fmt::format("  {:<12}{}\n", at == 0 ? title : "", endpoints[at]);
  }
  return text;
}

std::string credentials_path(const BannerFacts& facts) {
  return facts.options->data + "/.millrace/credentials";
}

const char* source_name(const Credentials& credentials) {
  switch (credentials.source) {
    case Credentials::Source::environment: return "environment";
    case Credentials::Source::file: return "file";
    case Credentials::Source::generated: return "generated";
  }
  return "unknown";
}

std::string field(std::string_view key, std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" \"\\=\t\n") == std::string_view::npos;
  return fmt::format(" {}={}", key, plain ? std::string(value) : toml_string(value));
}

}  // namespace

std::string terminal_banner(const BannerFacts& facts) {
  const ServeOptions& options = *facts.options;
  std::string text = fmt::format("millrace {}\n", MILLRACE_VERSION);
  text += endpoint_lines("S3", facts.endpoints);
  text += endpoint_lines("Health", facts.health_endpoints);
  text += fmt::format("  {:<12}{} ({})\n", "Cores", core_list_text(facts.cores->processors),
                      facts.cores->reason);
  text += fmt::format("  {:<12}{} on {}: {}\n", "Data", options.data, facts.abilities->type(),
                      abilities_text(*facts.abilities));
  text += fmt::format("  {:<12}{}: {}\n", "Durability", durability_name(options.durability),
                      durability_promise(options.durability, *facts.abilities));
  text += fmt::format("  {:<12}{}\n", "Region", options.region);
  for (const std::string& domain : options.domains) {
    text += fmt::format("  {:<12}bucket.{}\n", "Domain", domain);
  }
  if (facts.credentials->generated()) {
    text += fmt::format("  {:<12}{}\n  {:<12}{}\n  {:<12}shown this once, kept in {}\n",
                        "Access key", facts.credentials->access_key, "Secret key",
                        facts.credentials->secret_key, "", credentials_path(facts));
  } else {
    text += fmt::format("  {:<12}{} (from the {})\n", "Access key", facts.credentials->access_key,
                        source_name(*facts.credentials));
  }
  return text;
}

std::string structured_banner(const BannerFacts& facts) {
  const ServeOptions& options = *facts.options;
  std::string text = "event=start" + field("version", MILLRACE_VERSION) +
                     field("pid", std::to_string(::getpid())) + field("data", options.data) +
                     field("id", facts.directory_id) +
                     field("durability", durability_name(options.durability)) +
                     field("region", options.region) + "\n";
  for (const std::string& endpoint : facts.endpoints) {
    text += "event=listen" + field("s3", endpoint) + "\n";
  }
  for (const std::string& endpoint : facts.health_endpoints) {
    text += "event=listen" + field("health", endpoint) + "\n";
  }
  text += "event=cores" + field("processors", core_list_text(facts.cores->processors)) +
          field("pinned", facts.cores->pinned ? "yes" : "no") +
          field("reason", facts.cores->reason) + "\n";
  text += "event=filesystem" + field("type", facts.abilities->type()) +
          field("local", facts.abilities->local ? "yes" : "no") +
          field("abilities", abilities_text(*facts.abilities)) +
          field("promise", durability_promise(options.durability, *facts.abilities)) + "\n";
  text += "event=credentials" + field("source", source_name(*facts.credentials));
  if (facts.credentials->source != Credentials::Source::environment) {
    text += field("file", credentials_path(facts));
  }
  return text + "\n";
}

}  // namespace millrace::tools
