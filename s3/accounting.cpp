// What is remembered of a request when it has been answered: counters of its shard, and a line in
// the access log.
#include "s3/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace millrace::s3 {

namespace {

std::string_view address_text(const sockaddr_storage& address,
                              std::array<char, INET6_ADDRSTRLEN>& out) {
  const void* bytes =
      address.ss_family == AF_INET6
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr)
          : &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  const char* text = ::inet_ntop(address.ss_family, bytes, out.data(), out.size());
  return text == nullptr ? "-" : text;
}

}  // namespace

void Service::account(const Request& request) {
  http::Exchange& exchange = request.exchange;
  const std::uint64_t took_us = (shard_.ring().monotonic_ns() - exchange.started_ns()) / 1000;
  const std::uint64_t received = request.exchange.body().read_bytes();
  // The slot behind the last operation counts what resolved to none.
  const std::size_t slot =
      request.operation ? static_cast<std::size_t>(*request.operation) : operation_count;
  static_assert(operation_count < engine::StatusPage::operations_max);
  engine::OperationCounters& counters = shard_.page().operations[slot];
  counters.requests.add();
  // An error may come after the 200 that kept its client waiting.
  const bool late = request.failed && exchange.status() < 400 && !exchange.broken();
  const int status = late ? http_status(request.error) : exchange.status();
  if (status >= 500) counters.server_errors.add();
  if (status >= 400 && status < 500) counters.client_errors.add();
  counters.bytes_in.add(received);
  counters.bytes_out.add(exchange.sent_bytes());
  counters.latency.record(took_us);
  if (options_.access_log == nullptr) return;

  std::array<char, INET6_ADDRSTRLEN> source;
  engine::LogLine line(*options_.access_log, engine::LogLevel::info, "request");
  line.field("id", request.id_text())
      .field("source", address_text(exchange.connection().peer, source))
      .field("listener", exchange.connection().listener)
      .field("principal", request.identity.anonymous() ? std::string_view("-")
                                                       : request.identity.principal->name)
      .field("tenant", request.tenant)
      .field("operation", request.operation ? operation(*request.operation).name : "-")
      .field("bucket", request.bucket())
      .field("key", request.key ? request.key->view() : std::string_view())
      .field("status", static_cast<std::uint64_t>(exchange.status()))
      .field("received", received)
      .field("sent", exchange.sent_bytes())
      .field("us", took_us);
  if (request.failed) line.field("error", code_text(request.error));
  if (exchange.broken()) line.field("connection", "broken");
}

}  // namespace millrace::s3
