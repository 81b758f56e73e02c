// See server.h.
#include "http/server.h"

#include "http/connection.h"

namespace millrace::http {

Server::Server(engine::Shard& shard, const ServerOptions& options)
    : shard_(shard), options_(options) {}

Server::~Server() {
  CHECK(count_ == 0);
}

void Server::accept(engine::Descriptor socket, unsigned listener) {
  if (count_ - ending_ >= options_.connections_crowded) end_longest_idle();
  if (count_ - ending_ >= options_.connections_max) {
    shard_.page().connections_refused.add();
    if (options_.balance != nullptr) options_.balance->release(shard_.index());
    return;
  }
  shard_.tasks().adopt(Connection::run(*this, std::move(socket), listener));
}

void Server::end_longest_idle() {
  if (waiting_.first != nullptr) waiting_.first->end();
}

void Server::close_idle() {
  for (Connection* each = waiting_.first; each != nullptr; each = each->next()) {
    each->wait_no_longer();
  }
}

void Server::close_all() {
  while (waiting_.first != nullptr) waiting_.first->end();
  for (Connection* each = busy_.first; each != nullptr; each = each->next()) each->end();
}

}  // namespace millrace::http
