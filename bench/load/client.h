// One simulated client: takes operations from its worker and does them over its connection, one
// after the other. One coroutine of one shard.
#pragma once

#include "bench/load/client_connection.h"
#include "bench/load/job.h"
#include "engine/group.h"
#include "engine/task.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::bench {

class Worker;

class Client {
 public:
  Client(Worker& worker, const ConnectionSite& site, unsigned home)
      : worker_(worker), connection_(site, home) {}

  engine::Task<> run();

  // To a client that waits for its turn: an operation, or, with null, that the run is over.
  void give(const Ticket* ticket);
  // Ends what it does, as a lost connection does.
  void abort() { connection_.abort(); }

 private:
  engine::Task<> serve(Ticket ticket);
  engine::Task<bool> single(Step step);
  engine::Task<bool> multipart(Step step);
  engine::Task<bool> upload_parts(Step step, std::uint64_t version, std::string_view upload_id,
                                  std::string& document);
  engine::Task<bool> complete(Step step, std::string_view upload_id, std::string_view document);
  engine::Task<void> abandon(Step step, std::string_view upload_id);
  std::string_view request_of(const Step& step, const Upload* upload);
  void write(const RequestParts& parts);
  void write_of_multipart(const Step& step, std::string_view method, std::string query,
                          std::uint64_t body_bytes, std::string_view payload);
  bool answered(unsigned status);
  bool refused();
  std::string payload_of(const Upload& upload) const;
  bool signs_payload() const;

  Worker& worker_;
  ClientConnection connection_;
  engine::Signal given_;
  Ticket ticket_;
  bool has_ticket_ = false;
  std::string what_;  // why an operation failed
};

}  // namespace millrace::bench
