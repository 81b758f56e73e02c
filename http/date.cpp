// HTTP dates. The civil calendar is counted in 400-year eras that begin on 1 March, so that the
// leap day is the last day of a year.
#include "http/date.h"

#include "http/grammar.h"

#include <algorithm>
#include <cstring>

namespace millrace::http {
namespace {

constexpr std::string_view day_names = "SunMonTueWedThuFriSat";
constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::array<std::string_view, 7> long_day_names = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

constexpr std::int64_t day_seconds = 86400;
constexpr std::int64_t era_days = 146097;
constexpr std::int64_t epoch_days = 719468;  // from 0000-03-01 to 1970-01-01

struct Civil {
  std::int64_t year = 0;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
};

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

constexpr std::int64_t days_of(Civil civil) {
  const std::int64_t year = civil.month <= 2 ? civil.year - 1 : civil.year;
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const int month_from_march = (civil.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + civil.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * era_days + day_of_era - epoch_days;
}

constexpr Civil civil_of(std::int64_t days) {
  const std::int64_t shifted = days + epoch_days;
  const std::int64_t era = floor_div(shifted, era_days);
  const std::int64_t day_of_era = shifted - era * era_days;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  const int month =
      static_cast<int>(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

constexpr std::int64_t first_second = days_of({0, 1, 1}) * day_seconds;
constexpr std::int64_t last_second = days_of({10000, 1, 1}) * day_seconds - 1;
static_assert(days_of({1970, 1, 1}) == 0 && days_of({2000, 3, 1}) == 11017);

bool leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in(std::int64_t year, int month) {
  constexpr std::array<int, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}

void put_digits(char* at, std::int64_t value, int count) {
  for (int i = count; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

// Reads a text from the left; once something doesn't match it stays failed.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void literal(std::string_view wanted) {
    ok_ = ok_ && rest_.starts_with(wanted);
    if (ok_) rest_.remove_prefix(wanted.size());
  }
  int digits(std::size_t count) {
    ok_ =
        ok_ && rest_.size() >= count && grammar::all(rest_.substr(0, count), grammar::digit_class);
    if (!ok_) return 0;
    int value = 0;
    for (char c : rest_.substr(0, count)) value = value * 10 + (c - '0');
    rest_.remove_prefix(count);
    return value;
  }
  // asctime's day: two digits, or a space and one.
  int padded_day() {
    if (!rest_.starts_with(' ')) return digits(2);
    literal(" ");
    return digits(1);
  }
  // 1-based place of the next three letters in a list of three-letter names.
  int name(std::string_view names) {
    for (std::size_t i = 0; ok_ && i < names.size(); i += 3) {
      if (!rest_.starts_with(names.substr(i, 3))) continue;
      rest_.remove_prefix(3);
      return static_cast<int>(i / 3) + 1;
    }
    ok_ = false;
    return 1;
  }
  int clock() {  // seconds of the day
    const int hour = digits(2);
    literal(":");
    const int minute = digits(2);
    literal(":");
    const int second = digits(2);
    ok_ = ok_ && hour < 24 && minute < 60 && second <= 60;
    return hour * 3600 + minute * 60 + std::min(second, 59);
  }
  bool ended() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::optional<std::int64_t> join(const Reader& reader, Civil civil, int clock) {
  if (!reader.ended() || civil.day < 1 || civil.day > days_in(civil.year, civil.month)) {
    return std::nullopt;
  }
  return days_of(civil) * day_seconds + clock;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::int64_t> parse_fixdate(std::string_view text) {
  Reader reader(text);
  Civil civil;
  reader.name(day_names);
  reader.literal(", ");
  civil.day = reader.digits(2);
  reader.literal(" ");
  civil.month = reader.name(month_names);
  reader.literal(" ");
  civil.year = reader.digits(4);
  reader.literal(" ");
  const int clock = reader.clock();
  reader.literal(" GMT");
  return join(reader, civil, clock);
}

// "Sunday, 06-Nov-94 08:49:37 GMT", from behind the name of the day.
std::optional<std::int64_t> parse_rfc850(std::string_view text, std::int64_t now_seconds) {
  Reader reader(text);
  Civil civil;
  reader.literal(", ");
  civil.day = reader.digits(2);
  reader.literal("-");
  civil.month = reader.name(month_names);
  reader.literal("-");
  const int two_digits = reader.digits(2);
  reader.literal(" ");
  const int clock = reader.clock();
  reader.literal(" GMT");
  const std::int64_t now_year = civil_of(floor_div(now_seconds, day_seconds)).year;
  civil.year = now_year - now_year % 100 + two_digits;
  if (civil.year > now_year + 50) civil.year -= 100;
  if (civil.year <= now_year - 50) civil.year += 100;
  return join(reader, civil, clock);
}

// "Sun Nov  6 08:49:37 1994"
std::optional<std::int64_t> parse_asctime(std::string_view text) {
  Reader reader(text);
  Civil civil;
  reader.name(day_names);
  reader.literal(" ");
  civil.month = reader.name(month_names);
  reader.literal(" ");
  civil.day = reader.padded_day();
  reader.literal(" ");
  const int clock = reader.clock();
  reader.literal(" ");
  civil.year = reader.digits(4);
  return join(reader, civil, clock);
}

}  // namespace

std::string_view http_date(std::int64_t unix_seconds, std::span<char, http_date_bytes> out) {
  const std::int64_t seconds = std::clamp(unix_seconds, first_second, last_second);
  const std::int64_t days = floor_div(seconds, day_seconds);
  const std::int64_t clock = seconds - days * day_seconds;
  const Civil civil = civil_of(days);
  const std::int64_t weekday = (days + 4) - floor_div(days + 4, 7) * 7;  // 1970 began on Thursday
  char* at = out.data();
  std::memcpy(at, "Sun, 00 Jan 0000 00:00:00 GMT", http_date_bytes);
  std::memcpy(at, day_names.data() + weekday * 3, 3);
  put_digits(at + 5, civil.day, 2);
  std::memcpy(at + 8, month_names.data() + (civil.month - 1) * 3, 3);
  put_digits(at + 12, civil.year, 4);
  put_digits(at + 17, clock / 3600, 2);
  put_digits(at + 20, clock / 60 % 60, 2);
  put_digits(at + 23, clock % 60, 2);
  return {at, http_date_bytes};
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now_seconds) {
  if (text.size() == http_date_bytes && text[3] == ',') return parse_fixdate(text);
  for (std::string_view day : long_day_names) {
    if (text.starts_with(day)) return parse_rfc850(text.substr(day.size()), now_seconds);
  }
  return parse_asctime(text);
}

std::string_view DateCache::at(std::int64_t unix_seconds) {
  if (!filled_ || unix_seconds != second_) {
    http_date(unix_seconds, text_);
    second_ = unix_seconds;
    filled_ = true;
  }
  return {text_.data(), text_.size()};
}

}  // namespace millrace::http
