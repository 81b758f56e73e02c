// A run's results for people and for programs. bench/README.md describes the JSON; its schema
// number changes when a field changes its meaning or goes.
#pragma once

#include "bench/load/results.h"
#include "bench/load/settings.h"

#include <nlohmann/json.hpp>

#include <string>

namespace millrace::bench {

inline constexpr int report_schema = 1;

nlohmann::ordered_json report_json(const Settings& settings, const Results& results,
                                   const std::string& date);
std::string report_text(const Settings& settings, const Results& results);
// Second by second.
std::string report_csv(const Results& results);

// Everything in it, between agents and their coordinator.
nlohmann::ordered_json results_json(const Results& results);
Results results_from_json(const nlohmann::ordered_json& json);

}  // namespace millrace::bench
