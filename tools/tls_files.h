// The certificate and the key that `--tls-cert` and `--tls-key` name: read, checked, and read again
// when they change. The main thread makes and destroys the watch; its thread alone reads files,
// since that may hang.
// Invariant: what doesn't fit together replaces nothing, and is told once.
#pragma once

#include "engine/log.h"
#include "engine/tls.h"
#include "tools/refusal.h"

#include <cstdint>
#include <string>
#include <thread>

namespace millrace::tools {

struct TlsFiles {
  std::string certificate;  // paths; both empty: clear text
  std::string key;
};

struct TlsPair {
  engine::TlsContext context;
  std::size_t seen = 0;  // tells one content of the two files from another
};

Allowed<TlsPair> load_tls(const TlsFiles& files);

class TlsWatch {
 public:
  // `seen` is of the pair that `identity` has. What is pointed to outlives the watch.
  TlsWatch(const TlsFiles& files, std::size_t seen, engine::TlsIdentity& identity,
           engine::LogChannel& log);
  // A thread that hangs in a read is left behind, without any descriptor of the process.
  ~TlsWatch();
  TlsWatch(const TlsWatch&) = delete;
  TlsWatch& operator=(const TlsWatch&) = delete;

  // Reads the files at once, and says what came of it, changed or not.
  void look();

 private:
  struct Shared;
  Shared* shared_;
  std::thread thread_;
};

}  // namespace millrace::tools
