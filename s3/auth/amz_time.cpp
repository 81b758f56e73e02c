// Times of signed requests. Thread: any. Invariant: out-of-range fields (second 60 too) don't
// parse, so no arithmetic here can overflow.
#include "s3/auth/amz_time.h"

#include <chrono>

namespace millrace::s3 {
namespace {

constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view day_names = "SunMonTueWedThuFriSat";

// -1 unless every character is a digit.
int number(std::string_view digits) {
  int value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

struct Fields {
  int year, month, day, hour, minute, second;
};

std::optional<std::int64_t> seconds_of(const Fields& f) {
  if (f.year < 0 || f.month < 1 || f.day < 1 || f.hour < 0 || f.hour > 23 || f.minute < 0 ||
      f.minute > 59 || f.second < 0 || f.second > 59)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(f.year),
                                         std::chrono::month(static_cast<unsigned>(f.month)),
                                         std::chrono::day(static_cast<unsigned>(f.day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86'400 + f.hour * 3'600 + f.minute * 60 + f.second;
}

}  // namespace

std::optional<std::int64_t> parse_amz_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return seconds_of({number(text.substr(0, 4)), number(text.substr(4, 2)),
                     number(text.substr(6, 2)), number(text.substr(9, 2)),
                     number(text.substr(11, 2)), number(text.substr(13, 2))});
}

std::optional<std::int64_t> parse_http_time(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT")
    return std::nullopt;
  const std::size_t month = month_names.find(text.substr(8, 3));
  const std::size_t day = day_names.find(text.substr(0, 3));
  if (month == month_names.npos || month % 3 != 0 || day == day_names.npos || day % 3 != 0)
    return std::nullopt;
  return seconds_of({number(text.substr(12, 4)), static_cast<int>(month / 3 + 1),
                     number(text.substr(5, 2)), number(text.substr(17, 2)),
                     number(text.substr(20, 2)), number(text.substr(23, 2))});
}

std::array<char, 16> format_amz_time(std::int64_t unix_seconds) {
  const std::chrono::sys_seconds moment{std::chrono::seconds(unix_seconds)};
  const auto midnight = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(midnight);
  const std::int64_t in_day = (moment - midnight).count();
  std::array<char, 16> out{};
  std::size_t at = 0;
  const auto put = [&](std::int64_t value, std::size_t digits) {
    for (std::size_t i = digits; i-- > 0; value /= 10)
      out[at + i] = static_cast<char>('0' + value % 10);
    at += digits;
  };
  put(static_cast<int>(date.year()), 4);
  put(static_cast<unsigned>(date.month()), 2);
  put(static_cast<unsigned>(date.day()), 2);
  out[at++] = 'T';
  put(in_day / 3'600, 2);
  put(in_day / 60 % 60, 2);
  put(in_day % 60, 2);
  out[at] = 'Z';
  return out;
}

}  // namespace millrace::s3
