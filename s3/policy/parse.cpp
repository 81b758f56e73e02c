// See parse.h. nlohmann-json is included nowhere else in s3/. Messages are AWS's where they are
// known. No exception is thrown: every access follows a look at the type.
#include "s3/policy/parse.h"

#include "s3/policy/actions.h"
#include "s3/policy/conditions.h"
#include "s3/policy/evaluate.h"
#include "s3/policy/pattern.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <span>

namespace millrace::s3::policy {

namespace {

using Json = nlohmann::json;
template <class T = void>
using Read = std::expected<T, std::string>;

std::unexpected<std::string> malformed(std::string message) {
  return std::unexpected(std::move(message));
}

constexpr std::string_view arn_prefix = "arn:aws:s3:::";
constexpr std::string_view principal_prefix = "arn:aws:iam:::";

// Of two members with one name JSON readers take either: that a policy may not leave open.
class RepeatedNames {
 public:
  bool operator()(int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) names_.emplace_back();
    if (event == Json::parse_event_t::object_end) names_.pop_back();
    if (event == Json::parse_event_t::key && parsed.is_string()) {
      found = found || !names_.back().insert(parsed.get_ref<const std::string&>()).second;
    }
    return true;
  }
  bool found = false;

 private:
  std::vector<std::set<std::string>> names_;
};

Read<Json> read_json(std::string_view text) {
  constexpr const char* not_json = "Policies must be valid JSON and the first byte must be '{'";
  if (!text.starts_with('{')) return malformed(not_json);
  RepeatedNames repeated;
  Json document = Json::parse(
      text.begin(), text.end(),
      [&](int depth, Json::parse_event_t event, Json& parsed) {
        return repeated(depth, event, parsed);
      },
      false);
  if (!document.is_object()) return malformed(not_json);
  if (repeated.found) return malformed("This policy contains invalid Json");
  return document;
}

// One text, or a list of at least one.
Read<std::vector<std::string>> texts_of(const Json& value, const char* message) {
  std::vector<std::string> texts;
  if (value.is_string()) {
    texts.push_back(value.get_ref<const std::string&>());
    return texts;
  }
  if (!value.is_array() || value.empty()) return malformed(message);
  for (const Json& each : value) {
    if (!each.is_string()) return malformed(message);
    texts.push_back(each.get_ref<const std::string&>());
  }
  return texts;
}

Read<> take_principal(const Json& value, std::string_view owner, Statement& statement) {
  constexpr const char* invalid = "Invalid principal in policy";
  Read<std::vector<std::string>> names = std::vector<std::string>{"*"};
  if (!value.is_string() || value.get_ref<const std::string&>() != "*") {
    if (!value.is_object() || value.size() != 1 || !value.contains("AWS")) {
      return malformed(invalid);
    }
    names = texts_of(value["AWS"], invalid);
  }
  if (!names) return malformed(names.error());
  for (const std::string& name : *names) {
    std::string_view bare = name;
    if (bare.starts_with(principal_prefix)) bare.remove_prefix(principal_prefix.size());
    if (name == "*") {
      statement.anyone = true;
    } else if (bare == owner) {
      statement.principals.emplace_back(bare);
    } else {
      return malformed(invalid);
    }
  }
  return {};
}

Read<> take_actions(const Json& value, Statement& statement) {
  constexpr const char* invalid = "Policy has invalid action";
  auto actions = texts_of(value, invalid);
  if (!actions) return malformed(actions.error());
  for (std::string& action : *actions) {
    if (action != "*" && !equal_ignoring_case(action.substr(0, 3), "s3:")) {
      return malformed(invalid);
    }
    if (!kinds_of(action).any()) return malformed(invalid);
    statement.actions.push_back(std::move(action));
  }
  return {};
}

Read<> take_resources(const Json& value, std::string_view bucket, Statement& statement) {
  constexpr const char* invalid = "Policy has invalid resource";
  const auto resources = texts_of(value, invalid);
  if (!resources) return malformed(resources.error());
  const std::string inside = std::string(bucket) + "/";
  for (const std::string& resource : *resources) {
    std::string_view pattern = resource;
    if (pattern.find("${") != std::string_view::npos) {
      return malformed("Policy variables are not supported");
    }
    if (pattern.starts_with(arn_prefix)) {
      pattern.remove_prefix(arn_prefix.size());
    } else if (pattern != "*") {
      return malformed(invalid);
    }
    if (!matches(pattern, bucket) && !may_match_beginning(pattern, inside)) {
      return malformed(invalid);
    }
    statement.resources.emplace_back(pattern);
  }
  return {};
}

// Each action must be one of something that a resource names.
Read<> check_actions_apply(const Statement& statement, std::string_view bucket) {
  if (statement.all_actions_but || statement.all_resources_but) return {};
  const std::string inside = std::string(bucket) + "/";
  ActionKinds named;
  for (const std::string& resource : statement.resources) {
    named.on_bucket = named.on_bucket || matches(resource, bucket);
    named.on_object = named.on_object || may_match_beginning(resource, inside);
  }
  for (const std::string& action : statement.actions) {
    const ActionKinds kinds = kinds_of(action);
    if (!(kinds.on_bucket && named.on_bucket) && !(kinds.on_object && named.on_object)) {
      return malformed("Action does not apply to any resource(s) in statement");
    }
  }
  return {};
}

// A key that only lists have, where nothing is listed, would never hold.
Read<> check_keys_apply(const Statement& statement) {
  const auto lists = [](const std::string& action) {
    return matches(action, "s3:ListBucket", Letters::ignore_case) ||
           matches(action, "s3:ListBucketVersions", Letters::ignore_case);
  };
  if (statement.all_actions_but || std::ranges::any_of(statement.actions, lists)) return {};
  for (const Condition& each : statement.conditions) {
    if (each.key == Key::prefix || each.key == Key::delimiter || each.key == Key::max_keys) {
      return malformed(
          "Conditions do not apply to combination of actions and resources in statement");
    }
  }
  return {};
}

Read<std::vector<std::string>> condition_values(const Json& value) {
  std::vector<std::string> values;
  const auto take = [&values](const Json& one) {
    if (one.is_string()) {
      values.push_back(one.get_ref<const std::string&>());
    } else if (one.is_boolean() || one.is_number_integer()) {
      values.push_back(one.dump());
    } else {
      return false;
    }
    return values.back().find("${") == std::string::npos;
  };
  const bool taken = value.is_array() ? std::ranges::all_of(value, take) : take(value);
  if (!taken) return malformed("Invalid value in Condition");
  return values;
}

Read<> take_conditions(const Json& value, Statement& statement) {
  constexpr const char* invalid = "Invalid Condition in policy";
  if (!value.is_object()) return malformed(invalid);
  for (const auto& [operator_name, keys] : value.items()) {
    if (!keys.is_object() || keys.empty()) return malformed(invalid);
    for (const auto& [key_name, json] : keys.items()) {
      const auto values = condition_values(json);
      if (!values) return malformed(values.error());
      auto condition = make_condition(operator_name, key_name, *values);
      if (!condition) return malformed(condition.error());
      statement.conditions.push_back(std::move(*condition));
    }
  }
  return {};
}

Read<> take_effect(const Json& value, Statement& statement) {
  if (!value.is_string()) return malformed("Invalid effect");
  const auto& text = value.get_ref<const std::string&>();
  if (text != "Allow" && text != "Deny") return malformed("Invalid effect: " + text);
  statement.effect = text == "Allow" ? Effect::allow : Effect::deny;
  return {};
}

Read<> check_fields(const Json& object, std::span<const std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (std::ranges::find(known, name) == known.end()) return malformed("Unknown field " + name);
  }
  return {};
}

// The one of two fields that a statement must have.
Read<const Json*> either(const Json& object, const char* name, const char* all_but) {
  const bool plain = object.contains(name);
  if (plain && object.contains(all_but)) {
    return malformed(std::string("Statement has both ") + name + " and " + all_but);
  }
  if (!plain && !object.contains(all_but)) {
    return malformed(std::string("Missing required field ") + name);
  }
  return &object.at(plain ? name : all_but);
}

Read<Statement> read_statement(const Json& object, std::string_view bucket,
                               std::string_view owner) {
  constexpr std::array<std::string_view, 8> known = {
      "Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"};
  if (!object.is_object()) return malformed("Invalid policy syntax.");
  if (const auto fields = check_fields(object, known); !fields) return malformed(fields.error());
  if (object.contains("Sid") && !object.at("Sid").is_string()) {
    return malformed("Invalid policy syntax.");
  }
  for (const char* name : {"Effect", "Principal"}) {
    if (!object.contains(name)) return malformed(std::string("Missing required field ") + name);
  }
  const auto actions = either(object, "Action", "NotAction");
  if (!actions) return malformed(actions.error());
  const auto resources = either(object, "Resource", "NotResource");
  if (!resources) return malformed(resources.error());
  Statement statement;
  statement.all_actions_but = object.contains("NotAction");
  statement.all_resources_but = object.contains("NotResource");
  Read<> taken = take_effect(object.at("Effect"), statement);
  if (taken) taken = take_principal(object.at("Principal"), owner, statement);
  if (taken) taken = take_actions(**actions, statement);
  if (taken) taken = take_resources(**resources, bucket, statement);
  if (taken && object.contains("Condition")) {
    taken = take_conditions(object.at("Condition"), statement);
  }
  if (taken) taken = check_actions_apply(statement, bucket);
  if (taken) taken = check_keys_apply(statement);
  if (!taken) return malformed(taken.error());
  return statement;
}

Read<> check_version(const Json& object) {
  if (object.contains("Id") && !object.at("Id").is_string()) {
    return malformed("Invalid policy syntax.");
  }
  if (!object.contains("Version")) return {};
  const Json& version = object.at("Version");
  if (version == "2012-10-17" || version == "2008-10-17") return {};
  return malformed("The policy must contain a valid version string");
}

}  // namespace

std::expected<Document, std::string> parse(std::string_view text, std::string_view bucket,
                                           std::string_view owner) {
  constexpr std::array<std::string_view, 3> known = {"Version", "Id", "Statement"};
  const auto json = read_json(text);
  if (!json) return malformed(json.error());
  if (const auto fields = check_fields(*json, known); !fields) return malformed(fields.error());
  if (const auto version = check_version(*json); !version) return malformed(version.error());
  if (!json->contains("Statement")) return malformed("Missing required field Statement");
  const Json& statements = json->at("Statement");
  const Json list = statements.is_array() ? statements : Json::array({statements});
  if (list.empty()) return malformed("Missing required field Statement");
  Document document;
  std::set<std::string> ids;
  for (const Json& each : list) {
    auto statement = read_statement(each, bucket, owner);
    if (!statement) return malformed(statement.error());
    // An empty one is none: mc and Terraform write it into every statement.
    const std::string id = each.value("Sid", std::string());
    if (!id.empty() && !ids.insert(id).second) {
      return malformed("Statement IDs (SID) in a single policy must be unique.");
    }
    for (const Condition& condition : statement->conditions) {
      document.keys_used |= bit_of(condition.key);
    }
    document.statements.push_back(std::move(*statement));
  }
  document.is_public = is_public(document);
  return document;
}

}  // namespace millrace::s3::policy
