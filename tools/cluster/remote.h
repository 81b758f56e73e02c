// The client's side of the REST interface: signed requests to a container's health port.
// Main thread; blocks, for half a minute at most.
#pragma once

#include "s3/auth/sign.h"
#include "tools/cluster/desk.h"
#include "tools/refusal.h"

#include <memory>
#include <string>

namespace millrace::tools {

class Remote {
 public:
  // `endpoint` is http://HOST:PORT or https://HOST:PORT; `ca_bundle` a PEM file that says whom to
  // trust, empty: the system's. The root keys are MILLRACE_ACCESS_KEY and MILLRACE_SECRET_KEY of
  // the environment, which ends with a null pointer.
  static Allowed<Remote> open(const std::string& endpoint, const std::string& ca_bundle,
                              const char* const* environment);
  ~Remote();
  Remote(Remote&&) noexcept;
  Remote& operator=(Remote&&) noexcept;

  // Refuses when there is no answer, or none of this interface.
  Allowed<DeskAnswer> ask(const DeskRequest& request);

 private:
  struct Connection;
  Remote(std::string endpoint, std::string host, s3::SigningIdentity identity,
         std::unique_ptr<Connection> connection);

  std::string endpoint_;
  std::string host_;  // as the Host field has it
  s3::SigningIdentity identity_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace millrace::tools
