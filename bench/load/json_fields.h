// Reading JSON of another process without exceptions: what is missing or of another type leaves
// the value as it was.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <type_traits>

namespace millrace::bench {

inline nlohmann::ordered_json field(const nlohmann::ordered_json& json, const char* name,
                                    nlohmann::ordered_json otherwise = {}) {
  if (!json.is_object()) return otherwise;
  const auto found = json.find(name);
  return found == json.end() ? otherwise : *found;
}

template <class T>
void read_field(const nlohmann::ordered_json& json, const char* name, T& into) {
  if (!json.is_object()) return;
  const auto found = json.find(name);
  if (found == json.end()) return;
  if constexpr (std::is_same_v<T, bool>) {
    if (found->is_boolean()) into = found->template get<bool>();
  } else if constexpr (std::is_floating_point_v<T>) {
    if (found->is_number()) into = found->template get<T>();
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (found->is_string()) into = found->template get<std::string>();
  } else {
    if (found->is_number_unsigned()) into = found->template get<T>();
  }
}

inline std::string text_field(const nlohmann::ordered_json& json, const char* name) {
  std::string text;
  read_field(json, name, text);
  return text;
}

}  // namespace millrace::bench
