// See cors_document.h.
#include "s3/xml/cors_document.h"

#include "s3/query.h"
#include "s3/xml/elements.h"
#include "s3/xml/writer.h"

namespace millrace::s3::xml {
namespace {

constexpr std::size_t elements_max = 8192;  // in 64 KiB; above a hundred rules is refused later

bool append_text(pugi::xml_node node, std::vector<std::string>& texts) {
  std::string_view text;
  bool taken = false;
  if (!take_text(node, text, taken)) return false;
  texts.emplace_back(trimmed(text));
  return true;
}

bool take_max_age(pugi::xml_node node, CorsRule& rule) {
  std::string_view text;
  bool taken = rule.max_age_s.has_value();
  if (!take_text(node, text, taken)) return false;
  const auto seconds = parse_decimal(trimmed(text), INT32_MAX);
  if (!seconds) return false;
  rule.max_age_s = static_cast<std::uint32_t>(*seconds);
  return true;
}

bool take_rule(pugi::xml_node parent, CorsRule& rule) {
  bool has_id = false;
  for (const pugi::xml_node node : parent) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    if (kind == Child::stray_text) return false;
    const std::string_view name = local_name(node);
    bool taken = false;
    if (name == "ID") {
      std::string_view id;
      taken = take_text(node, id, has_id);
      rule.id = id;
    } else if (name == "AllowedOrigin") {
      taken = append_text(node, rule.origins);
    } else if (name == "AllowedMethod") {
      taken = append_text(node, rule.methods);
    } else if (name == "AllowedHeader") {
      taken = append_text(node, rule.headers);
    } else if (name == "ExposeHeader") {
      taken = append_text(node, rule.exposed);
    } else if (name == "MaxAgeSeconds") {
      taken = take_max_age(node, rule);
    }
    if (!taken) return false;
  }
  return true;
}

void write_texts(Writer& writer, std::string_view name, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) writer.text(name, text);
}

}  // namespace

Outcome<CorsConfiguration> parse_cors(std::span<char> body) {
  pugi::xml_document document;
  const auto root = load(document, body, elements_max, "CORSConfiguration");
  if (!root) return std::unexpected(root.error());
  CorsConfiguration configuration;
  for (const pugi::xml_node node : *root) {
    const Child kind = kind_of(node);
    if (kind == Child::blank) continue;
    CorsRule rule;
    if (kind != Child::element || local_name(node) != "CORSRule" || !take_rule(node, rule)) {
      return refuse(ErrorCode::malformed_xml);
    }
    configuration.rules.push_back(std::move(rule));
  }
  return configuration;
}

std::string cors_document(const CorsConfiguration& configuration) {
  std::string document;
  Writer writer(document);
  writer.open_root("CORSConfiguration");
  for (const CorsRule& rule : configuration.rules) {
    writer.open("CORSRule");
    if (!rule.id.empty()) writer.text("ID", rule.id);
    write_texts(writer, "AllowedMethod", rule.methods);
    write_texts(writer, "AllowedOrigin", rule.origins);
    write_texts(writer, "AllowedHeader", rule.headers);
    write_texts(writer, "ExposeHeader", rule.exposed);
    if (rule.max_age_s) writer.number("MaxAgeSeconds", *rule.max_age_s);
    writer.close();
  }
  writer.close();
  return document;
}

}  // namespace millrace::s3::xml
