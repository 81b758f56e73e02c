// Settings as JSON: in reports, and from a coordinator to its agents. Never with a secret.
#pragma once

#include "bench/load/settings.h"

#include <nlohmann/json.hpp>

namespace millrace::bench {

nlohmann::ordered_json settings_json(const Settings& settings);
// What settings_json() made; endpoints are not resolved yet, credentials are left alone. The error
// is one line.
Parsed<void> apply_settings_json(const nlohmann::ordered_json& json, Settings& settings);

std::string_view auth_name(Auth auth);
Parsed<Auth> parse_auth(std::string_view text);
std::string_view arrival_name(Arrival arrival);
Parsed<Arrival> parse_arrival(std::string_view text);

}  // namespace millrace::bench
