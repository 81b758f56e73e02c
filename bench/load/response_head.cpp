// See response_head.h.
#include "bench/load/response_head.h"

#include "s3/digest/encoding.h"

#include <algorithm>
#include <charconv>

namespace millrace::bench {
namespace {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// `name` is lower case.
bool is_named(std::string_view text, std::string_view name) {
  if (text.size() != name.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (lower(text[i]) != name[i]) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool parse_status_line(std::string_view line, ResponseHead& head) {
  constexpr std::string_view version = "HTTP/1.";
  if (line.size() < 12 || !line.starts_with(version)) return false;
  if (line[7] != '0' && line[7] != '1') return false;
  if (line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) return false;
  for (std::size_t i = 9; i < 12; ++i) {
    if (!is_digit(line[i])) return false;
    head.status = head.status * 10 + static_cast<unsigned>(line[i] - '0');
  }
  head.close = line[7] == '0';
  return head.status >= 100;
}

bool take_length(std::string_view value, ResponseHead& head) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (value.empty() || error != std::errc() || end != value.data() + value.size()) return false;
  if (head.content_length && *head.content_length != length) return false;
  head.content_length = length;
  return true;
}

void take_connection(std::string_view value, ResponseHead& head) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    const std::string_view option = trimmed(value.substr(0, comma));
    if (is_named(option, "close")) head.close = true;
    if (is_named(option, "keep-alive")) head.close = false;
    if (comma == value.npos) return;
    value.remove_prefix(comma + 1);
  }
}

// Most fields are passed over by their first letter.
bool parse_field(std::string_view line, ResponseHead& head) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || colon == 0) return false;
  if (line.front() == ' ' || line.front() == '\t') return false;  // folded: nobody does any more
  const std::string_view name = line.substr(0, colon);
  if (name.back() == ' ' || name.back() == '\t') return false;
  switch (lower(name.front())) {
    case 'c':
      if (is_named(name, "content-length"))
        return take_length(trimmed(line.substr(colon + 1)), head);
      if (is_named(name, "connection")) take_connection(line.substr(colon + 1), head);
      return true;
    case 't':
      if (!is_named(name, "transfer-encoding")) return true;
      head.chunked = is_named(trimmed(line.substr(colon + 1)), "chunked");
      return head.chunked;  // no other coding was asked for
    case 'e':
      if (is_named(name, "etag")) head.etag = trimmed(line.substr(colon + 1));
      return true;
    default: return true;
  }
}

}  // namespace

HeadState parse_response_head(std::string_view text, ResponseHead& head) {
  head = {};
  std::size_t at = 0;
  bool first = true;
  while (true) {
    const std::size_t end = text.find('\n', at);
    if (end == text.npos) return HeadState::incomplete;
    if (end == at || text[end - 1] != '\r') return HeadState::malformed;
    const std::string_view line = text.substr(at, end - 1 - at);
    at = end + 1;
    if (first) {
      if (!parse_status_line(line, head)) return HeadState::malformed;
      first = false;
      continue;
    }
    if (line.empty()) break;
    if (!parse_field(line, head)) return HeadState::malformed;
  }
  head.bytes = at;
  // Both is how answers are smuggled (RFC 9112 section 6.1).
  return head.chunked && head.content_length ? HeadState::malformed : HeadState::complete;
}

Framing framing_of(const ResponseHead& head, bool to_head_request) {
  if (to_head_request || head.status < 200 || head.status == 204 || head.status == 304) {
    return Framing::none;
  }
  if (head.chunked) return Framing::chunked;
  if (head.content_length) return *head.content_length == 0 ? Framing::none : Framing::length;
  return Framing::until_close;
}

ChunkReader::Step ChunkReader::take(std::string_view text) {
  Step step;
  while (step.consumed < text.size() && !ended() && !malformed()) {
    if (state_ == State::data && left_ > 0) {
      const std::size_t count =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, text.size() - step.consumed));
      step.content = text.substr(step.consumed, count);
      step.consumed += count;
      left_ -= count;
      if (left_ == 0) state_ = State::data_end;
      return step;
    }
    read_control(text[step.consumed++]);
  }
  return step;
}

void ChunkReader::read_size(char c) {
  const int digit = s3::hex_digit(c);
  if (digit >= 0 && digits_ < 15) {
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    ++digits_;
  } else if (digits_ == 0 || (c != '\r' && c != ';' && c != ' ')) {
    state_ = State::malformed;
  } else {
    state_ = c == '\r' ? State::size_end : State::extension;
  }
}

void ChunkReader::read_control(char c) {
  switch (state_) {
    case State::size: return read_size(c);
    case State::extension:
      if (c == '\r') state_ = State::size_end;
      return;
    case State::size_end:
      if (c != '\n') {
        state_ = State::malformed;
        return;
      }
      state_ = left_ > 0 ? State::data : State::trailer;
      digits_ = 0;
      return;
    case State::data_end:
      if (c == '\r' && !data_cr_) {
        data_cr_ = true;
        return;
      }
      state_ = c == '\n' && data_cr_ ? State::size : State::malformed;
      data_cr_ = false;
      return;
    case State::trailer:
      if (c == '\n') {
        if (trailer_line_ == 0) state_ = State::ended;
        trailer_line_ = 0;
      } else if (c != '\r') {
        ++trailer_line_;
      }
      return;
    default: state_ = State::malformed;
  }
}

}  // namespace millrace::bench
