// Renders rows as an aligned table. Pure.
#include "tools/check_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::tools {

std::string table_text(const std::vector<CheckRow>& rows) {
  std::size_t subject_width = 0;
  std::size_t found_width = 0;
  for (const CheckRow& row : rows) {
    subject_width = std::max(subject_width, row.subject.size());
    found_width = std::max(found_width, row.found.size());
  }
  std::string text;
  for (const CheckRow& row : rows) {
    const char* verdict = row.verdict == CheckRow::Verdict::ok       ? "ok"
                          : row.verdict == CheckRow::Verdict::absent ? "absent"
                                                                     : "no";
    text += fmt::format("  {:<{}}  {:<6}  {:<{}}  {}\n", row.subject, subject_width, verdict,
                        row.found, found_width, row.meaning);
  }
  return text;
}

}  // namespace millrace::tools
