// The digest that a JSON object carries in its member "digest": XXH3 over everything else that it
// says. Objects are sorted by name when written out, so a parsed one gives the same.
#pragma once

#include <fmt/format.h>
#include <xxhash.h>
#include <nlohmann/json.hpp>

#include <string>

namespace millrace::health::cluster {

inline std::string digest_of(const nlohmann::json& object) {
  nlohmann::json covered = object;
  covered.erase("digest");
  // What is no UTF-8 is written as U+FFFD, here as in the text.
  const std::string text = covered.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

inline bool digest_fits(const nlohmann::json& object) {
  const auto digest = object.find("digest");
  return digest != object.end() && *digest == nlohmann::json(digest_of(object));
}

}  // namespace millrace::health::cluster
