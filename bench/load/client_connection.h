// One connection to a server: requests out, answers in, one after the other. It goes to another
// endpoint when its own fails. Owned by one coroutine of one shard; disconnect() must have finished
// before it goes. Invariant: what an exchange leaves unread ends the connection.
#pragma once

#include "bench/load/content.h"
#include "bench/load/response_head.h"
#include "bench/load/settings.h"
#include "engine/stream.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace millrace::bench {

class EndpointChoice;
class Recorder;

// What the connections of one thread share.
struct ConnectionSite {
  const Settings& settings;
  const Content& content;
  EndpointChoice& choice;
  Recorder& recorder;
  std::span<std::byte> discard;
};

// A part of an object that is sent as a body.
struct Upload {
  ObjectName name;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

class ClientConnection {
 public:
  ClientConnection(const ConnectionSite& site, unsigned home)
      : site_(site), endpoint_(home), home_(home) {}

  // What an exchange is for: how its answer is read.
  struct Wish {
    bool head_request = false;
    bool keeps_body = false;        // the first kept_body_bytes_max of it, for body()
    bool keeps_etag = false;        // for etag()
    ContentCheck* check = nullptr;  // of an answer with the status below
    unsigned status = 200;          // the one that is hoped for
  };

  // Makes sure that there is a connection: to its home, or, while that is left out, to another
  // endpoint. False when no endpoint can be reached: failure() says why.
  engine::Task<bool> reach();

  // Sends a request with its body and reads the answer to its end. True when there was one,
  // whatever it says; else failure() tells, and the connection is closed. `head` may be a view of
  // out(). Reaches nobody by itself.
  engine::Task<bool> exchange(std::string_view head, const Upload* upload, Wish wish);

  engine::Task<void> disconnect();
  // Ends whatever it waits for; any coroutine of the shard.
  void abort();

  unsigned endpoint() const { return endpoint_; }
  unsigned status() const { return answer_.status; }
  const ResponseHead& answer() const { return answer_; }  // without views
  std::string_view body() const { return body_; }
  std::string_view etag() const { return etag_; }
  std::string_view failure() const { return failure_; }
  std::string& out() { return out_; }

  // Since the last begin().
  void begin();
  std::uint64_t requests() const { return requests_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  std::uint64_t bytes_received() const { return bytes_received_; }

 private:
  engine::Task<bool> connect(unsigned endpoint);
  engine::Task<engine::Result<>> send_request(std::string_view head, const Upload* upload);
  engine::Task<engine::Result<>> send_rest(std::span<const std::byte> rest, const Upload* upload,
                                           std::uint64_t done);
  engine::Task<bool> read_head();
  engine::Task<bool> read_body(Framing framing, Wish wish);
  engine::Task<bool> read_length(std::uint64_t left, bool keep, ContentCheck* check);
  engine::Task<bool> read_directly(std::uint64_t& left, bool keep, ContentCheck* check);
  engine::Task<bool> read_chunks(bool keep);
  bool take_head(std::string_view text, bool& complete);
  void take_body(std::span<const std::byte> bytes, bool keep, ContentCheck* check);
  bool lost(const engine::Error* error);
  bool malformed();

  const ConnectionSite& site_;
  std::optional<engine::Stream> stream_;
  unsigned endpoint_;
  const unsigned home_;
  bool connecting_ = false;
  bool keeps_etag_ = false;
  ResponseHead answer_;
  std::uint64_t requests_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
  std::string out_;
  std::string partial_head_;  // what came of a head that is not whole yet
  std::string body_;
  std::string etag_;
  std::string failure_;
  std::string unreached_;  // why the last endpoint could not be connected to
};

}  // namespace millrace::bench
