// See client.h. What is answered with another status than the operation's own is an error.
#include "bench/load/client.h"

#include "bench/load/worker.h"
#include "s3/digest/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace millrace::bench {

using engine::Shard;
using engine::Task;

namespace {

constexpr std::uint64_t retry_ms = 100;

unsigned status_hoped_for(Operation operation) {
  switch (operation) {
    case Operation::remove: return 204;
    case Operation::range: return 206;
    default: return 200;
  }
}

std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t at = text.find(begin);
  if (at == text.npos) return {};
  text.remove_prefix(at + begin.size());
  return text.substr(0, std::min(text.find(end), text.size()));
}

std::string hex_text(const s3::Sha256::Digest& digest) {
  const auto hex = s3::hex_of(digest);
  return {hex.data(), hex.size()};
}

std::string sha256_text(std::string_view text) {
  return hex_text(s3::sha256(text));
}

}  // namespace

void Client::give(const Ticket* ticket) {
  has_ticket_ = ticket != nullptr;
  if (has_ticket_) ticket_ = *ticket;
  given_.notify();
}

Task<> Client::run() {
  Shard& shard = Shard::current();
  co_await connection_.reach();  // before the clock starts; who can't be reached is asked again
  while (shard.ring().monotonic_ns() < worker_.job().start_ns && !worker_.over()) {
    const std::uint64_t left_ns = worker_.job().start_ns - shard.now_ns();
    co_await engine::sleep_for(std::min<std::uint64_t>(left_ns / 1'000'000, 50));
  }
  while (true) {
    // After whatever else this turn of the shard has brought: requests leave together.
    co_await engine::Yield{};
    Ticket ticket;
    const auto turn = worker_.take(ticket);
    if (turn == Worker::Turn::over) break;
    if (turn == Worker::Turn::wait) {
      worker_.wait_for_turn(*this);
      co_await given_.wait();
      if (!has_ticket_) continue;
      ticket = ticket_;
    }
    co_await serve(ticket);
  }
  co_await connection_.disconnect();
}

Task<> Client::serve(Ticket ticket) {
  connection_.begin();
  const bool reached = co_await connection_.reach();
  bool good = false;
  if (!reached) {
    what_ = connection_.failure();
  } else if (ticket.step.operation == Operation::multipart) {
    good = co_await multipart(ticket.step);
  } else {
    good = co_await single(ticket.step);
  }
  const Done done{.operation = ticket.step.operation,
                  .endpoint = connection_.endpoint(),
                  .started_ns = ticket.started_ns,
                  .ended_ns = std::max(ticket.started_ns, Shard::current().now_ns()),
                  .requests = connection_.requests(),
                  .bytes_sent = connection_.bytes_sent(),
                  .bytes_received = connection_.bytes_received()};
  if (good) {
    worker_.succeeded(ticket.step, done);
  } else {
    worker_.recorder().failure(done, what_);
  }
  if (!reached) co_await engine::sleep_for(retry_ms);
}

bool Client::refused() {
  const std::string_view code = between(connection_.body(), "<Code>", "</Code>");
  what_ = fmt::format("{}{}{}", connection_.status(), code.empty() ? "" : " ", code.substr(0, 64));
  return false;
}

bool Client::answered(unsigned status) {
  return connection_.status() == status || refused();
}

bool Client::signs_payload() const {
  return worker_.job().settings.sign_payload && worker_.job().auth == Auth::header;
}

std::string Client::payload_of(const Upload& upload) const {
  s3::Sha256 digest;
  std::array<std::byte, 16'384> piece;
  for (std::uint64_t at = 0; at < upload.bytes;) {
    const auto part = std::span(piece).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), upload.bytes - at)));
    worker_.job().content.copy(upload.name, upload.offset + at, part);
    digest.update(part);
    at += part.size();
  }
  return hex_text(digest.finish());
}

void Client::write(const RequestParts& parts) {
  const Job& job = worker_.job();
  std::string& out = connection_.out();
  out.clear();
  write_head(out, job.settings, job.auth, job.settings.endpoints[connection_.endpoint()], parts,
             worker_.signer(), static_cast<std::int64_t>(Shard::current().wall_seconds()));
}

// The head of a request, prepared or written now.
std::string_view Client::request_of(const Step& step, const Upload* upload) {
  const Job& job = worker_.job();
  std::string& out = connection_.out();
  const bool ranged = step.operation == Operation::range;
  std::array<char, 64> range;
  std::string_view fields;
  if (ranged) {
    const auto end = fmt::format_to_n(range.data(), range.size(), "Range: bytes={}-{}\r\n",
                                      step.offset, step.offset + step.bytes - 1);
    fields = {range.data(), end.size};
  }
  if (job.phase == Phase::run) {
    const std::string_view ready = job.heads.find(connection_.endpoint(), step);
    if (!ready.empty() && !ranged) return ready;
    if (!ready.empty()) {
      out.assign(ready);
      out += fields;
      out += "\r\n";
      return out;
    }
  }
  RequestParts parts = parts_of(job.settings, step);
  parts.fields = fields;
  std::string payload;
  if (upload != nullptr && signs_payload()) {
    payload = payload_of(*upload);
    parts.payload = payload;
  }
  write(parts);
  return out;
}

Task<bool> Client::single(Step step) {
  const Job& job = worker_.job();
  const Settings& settings = job.settings;
  std::optional<ContentCheck> check;
  if (settings.verify && step.operation == Operation::get) {
    check = ContentCheck::whole(job.content, step.object, step.bytes);
  }
  // A range of an object that may have been put again has no version to go by.
  if (settings.verify && step.operation == Operation::range && settings.prepare &&
      !settings.mix.writes()) {
    check = ContentCheck::part(job.content, step.object, object_bytes(settings, step.object),
                               step.offset, step.bytes);
  }
  Upload upload;
  const bool uploads = step.operation == Operation::put;
  if (uploads) {
    const std::uint64_t version = job.phase == Phase::run ? worker_.next_version() : 0;
    upload = {.name = {step.object, step.bytes, version}, .bytes = step.bytes};
  }
  const ClientConnection::Wish wish{.head_request = step.operation == Operation::head,
                                    .check = check ? &*check : nullptr,
                                    .status = status_hoped_for(step.operation)};
  const std::string_view head = request_of(step, uploads ? &upload : nullptr);
  if (!co_await connection_.exchange(head, uploads ? &upload : nullptr, wish)) {
    what_ = connection_.failure();
    co_return false;
  }
  if (step.operation == Operation::make_bucket && connection_.status() == 409) co_return true;
  if (!answered(wish.status)) co_return false;
  const bool length_known = connection_.answer().content_length.has_value();
  const bool wrong_length = settings.verify && wish.head_request && length_known &&
                            *connection_.answer().content_length != step.bytes;
  if ((check && !check->good()) || wrong_length) {
    what_ = "wrong content";
    co_return false;
  }
  co_return true;
}

// Requests that an upload's own answers go into are signed when they are sent, by headers.
void Client::write_of_multipart(const Step& step, std::string_view method, std::string query,
                                std::uint64_t body_bytes, std::string_view payload) {
  const Job& job = worker_.job();
  std::string& out = connection_.out();
  out.clear();
  RequestParts parts{.method = method,
                     .path = object_path(job.settings, step.object),
                     .query = std::move(query),
                     .body_bytes = body_bytes};
  if (!payload.empty()) parts.payload = payload;
  write_head(out, job.settings, job.auth == Auth::none ? Auth::none : Auth::header,
             job.settings.endpoints[connection_.endpoint()], parts, worker_.signer(),
             static_cast<std::int64_t>(Shard::current().wall_seconds()));
}

Task<bool> Client::multipart(Step step) {
  write_of_multipart(step, "POST", "uploads=", 0, signs_payload() ? sha256_text("") : "");
  if (!co_await connection_.exchange(connection_.out(), nullptr, {.keeps_body = true})) {
    what_ = connection_.failure();
    co_return false;
  }
  if (!answered(200)) co_return false;
  const std::string upload_id =
      s3::uri_encode(between(connection_.body(), "<UploadId>", "</UploadId>"), false);
  std::string document = "<CompleteMultipartUpload>";
  bool good = co_await upload_parts(step, worker_.next_version(), upload_id, document);
  if (good) good = co_await complete(step, upload_id, document);
  if (!good) co_await abandon(step, upload_id);
  co_return good;
}

Task<bool> Client::upload_parts(Step step, std::uint64_t version, std::string_view upload_id,
                                std::string& document) {
  const std::uint64_t part_bytes = worker_.job().settings.part_bytes;
  const std::uint64_t count =
      std::max<std::uint64_t>(1, (step.bytes + part_bytes - 1) / part_bytes);
  for (std::uint64_t number = 1; number <= count; ++number) {
    const std::uint64_t offset = (number - 1) * part_bytes;
    const Upload part{.name = {step.object, step.bytes, version},
                      .offset = offset,
                      .bytes = std::min(part_bytes, step.bytes - offset)};
    write_of_multipart(step, "PUT", fmt::format("partNumber={}&uploadId={}", number, upload_id),
                       part.bytes, signs_payload() ? payload_of(part) : "");
    if (!co_await connection_.exchange(connection_.out(), &part, {.keeps_etag = true})) {
      what_ = connection_.failure();
      co_return false;
    }
    if (!answered(200)) co_return false;
    fmt::format_to(std::back_inserter(document),
                   "<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number,
                   connection_.etag());
    // A server may close after each answer.
    if (number < count && !co_await connection_.reach()) {
      what_ = connection_.failure();
      co_return false;
    }
  }
  document += "</CompleteMultipartUpload>";
  co_return true;
}

Task<bool> Client::complete(Step step, std::string_view upload_id, std::string_view document) {
  if (!co_await connection_.reach()) {
    what_ = connection_.failure();
    co_return false;
  }
  write_of_multipart(step, "POST", fmt::format("uploadId={}", upload_id), document.size(),
                     signs_payload() ? sha256_text(document) : "");
  connection_.out() += document;
  if (!co_await connection_.exchange(connection_.out(), nullptr, {.keeps_body = true})) {
    what_ = connection_.failure();
    co_return false;
  }
  // 200 may have been said before the outcome was known.
  if (connection_.status() == 200 && connection_.body().find("<Error>") != std::string_view::npos) {
    co_return refused();
  }
  co_return answered(200);
}

Task<void> Client::abandon(Step step, std::string_view upload_id) {
  const std::string why = what_;
  if (!upload_id.empty() && !worker_.over() && co_await connection_.reach()) {
    write_of_multipart(step, "DELETE", fmt::format("uploadId={}", upload_id), 0, "");
    co_await connection_.exchange(connection_.out(), nullptr, {.status = 204});
  }
  what_ = why;
}

}  // namespace millrace::bench
