// What a check found: rows for the table of `millrace check`, and the first reason to refuse.
// Plain data; main thread.
#pragma once

#include "tools/refusal.h"

#include <optional>
#include <string>
#include <vector>

namespace millrace::tools {

struct CheckRow {
  enum class Verdict {
    ok,      // there, and used
    absent,  // not there; Millrace does without
    no,      // not there, and needed
  };

  std::string subject;
  Verdict verdict = Verdict::ok;
  std::string found;    // a value: "6.18.44", "4096 bytes"; may be empty
  std::string meaning;  // what it means for Millrace
};

struct CheckReport {
  std::vector<CheckRow> rows;
  std::optional<Refusal> refusal;  // the first one

  void add(std::string subject, CheckRow::Verdict verdict, std::string found, std::string meaning) {
    rows.push_back({std::move(subject), verdict, std::move(found), std::move(meaning)});
  }
  void add_refusal(Refusal reason) {
    if (!refusal.has_value()) refusal = std::move(reason);
  }
};

// The rows as aligned lines, each ending in a newline.
std::string table_text(const std::vector<CheckRow>& rows);

}  // namespace millrace::tools
