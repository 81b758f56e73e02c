// See slow_answer.h.
#include "s3/handlers/slow_answer.h"

#include "s3/handlers/answers.h"
#include "s3/limits.h"
#include "s3/service.h"
#include "s3/xml/writer.h"

namespace millrace::s3::handlers {

using engine::Result;
using engine::Task;

namespace {

// Sends the signs of life, one at a time. A client that takes none any more is not tried again:
// whoever ends the answer learns that the connection is broken.
class Patience : engine::Timer {
 public:
  explicit Patience(Request& request) : Timer(&Patience::due), request_(request) {
    engine::Shard::current().arm(*this, limits::slow_answer_first_ms);
  }

  // Nothing is sent any more once this is over.
  Task<> end() {
    ending_ = true;
    disarm();
    co_await beats_.join();
  }
  bool begun() const { return request_.exchange.head_sent(); }

 private:
  static void due(Timer& self) {
    auto& patience = static_cast<Patience&>(self);
    patience.beats_.adopt(patience.beat());
  }

  Task<> beat() {
    http::Exchange& exchange = request_.exchange;
    Result<> sent;
    if (!begun()) {
      std::ignore = request_.begin(200).field("Content-Type", "application/xml");
      sent = co_await exchange.begin_pieces();
      if (sent) sent = co_await exchange.send_piece(xml::declaration);
    } else {
      sent = co_await exchange.send_piece(" ");
    }
    if (sent && !ending_) engine::Shard::current().arm(*this, limits::slow_answer_next_ms);
  }

  Request& request_;
  engine::TaskGroup beats_;
  bool ending_ = false;
};

Task<Outcome<>> finish(Request& request, std::string_view document) {
  http::Exchange& exchange = request.exchange;
  if (document.starts_with(xml::declaration)) document.remove_prefix(xml::declaration.size());
  Result<> sent = engine::fail_errno(EPIPE);
  if (!exchange.broken()) sent = co_await exchange.send_piece(document);
  if (sent) sent = co_await exchange.end_pieces();
  if (!sent) co_return refuse(ErrorCode::request_timeout, "The answer could not be sent.");
  co_return Outcome<>{};
}

}  // namespace

Task<Outcome<>> answer_when_done(Request& request, Task<Outcome<std::string>> work) {
  Patience patience(request);
  const auto document = co_await work;
  co_await patience.end();
  if (!patience.begun()) {
    if (!document) co_return std::unexpected(document.error());
    co_return co_await send_xml(request, *document);
  }
  if (document) co_return co_await finish(request, *document);
  // The log and the counters have the error; the status line is over.
  std::ignore = co_await finish(request, request.service.error_document(request, document.error()));
  co_return std::unexpected(document.error());
}

}  // namespace millrace::s3::handlers
