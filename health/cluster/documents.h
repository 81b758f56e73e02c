// The cluster's documents on the configuration filesystem. A document NAME is a series of files
// NAME.GENERATION that never change: publishing one is link(2), whose EEXIST tells the second of
// two administrators that he came too late, and lets no container that was paused undo what is
// newer. Readers take the highest generation that is whole and theirs to read; older ones are
// swept. Blocks: for command lines and for threads that may wait for a filesystem. Not thread-safe.
#pragma once

#include "engine/descriptor.h"
#include "engine/error.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::health::cluster {

// The highest schema of documents that this build reads and writes.
inline constexpr unsigned document_schema_known = 1;
// Longer files are refused as foreign.
inline constexpr std::size_t document_bytes_max = 1024 * 1024;
// So many generations before the newest stay: a reader of the last but one finds it still there.
inline constexpr std::uint64_t generations_kept = 3;

struct Document {
  std::uint64_t generation = 0;
  std::string body;  // a JSON object
};

// Why a file is not a document to go by.
struct Fault {
  std::string path;
  std::string why;  // "is torn: ...", "was written by a newer version ..."
};

struct Reading {
  std::optional<Document> newest;  // the highest that is good
  std::vector<Fault> faults;       // of files with a higher generation, the highest first
};

// The text of NAME.GENERATION: a JSON object with the name, the generation, the schema, the body
// and XXH3 over them. The body must be a JSON object.
std::string document_text(std::string_view name, const Document& document);
// Parses and checks it. Errors say what is wrong, for Fault::why.
std::expected<Document, std::string> parse_document(std::string_view text, std::string_view name,
                                                    std::uint64_t generation);

// What a publication in the making is called.
inline constexpr std::string_view document_temporary_prefix = "new-";

class DocumentStore {
 public:
  // `directory` is open, and this store's alone; `path` is for messages.
  DocumentStore(engine::Descriptor directory, std::string path)
      : directory_(std::move(directory)), path_(std::move(path)) {}

  // Error: the directory can't be read.
  engine::Result<Reading> read(std::string_view name) const;

  // Whether a generation after this one has been published: a few look-ups, for polling. One that
  // is far ahead, published while this process was away, may be missed.
  engine::Result<bool> is_superseded(std::string_view name, std::uint64_t generation) const;

  enum class Publication : std::uint8_t { done, conflict };
  // Publishes the document as its generation, with `mode`, durably: after `done` a power cut does
  // not take it back. `conflict`: there is one of this generation or a higher one. Then sweeps.
  engine::Result<Publication> publish(std::string_view name, const Document& document,
                                      unsigned mode);

  // Removes every generation, the lowest first, so that a reader never finds an old one newest.
  engine::Result<> remove(std::string_view name);

  int fd() const { return directory_.get(); }
  const std::string& path() const { return path_; }

 private:
  engine::Result<std::vector<std::uint64_t>> generations(std::string_view name) const;
  Reading read_newest(std::string_view name, const std::vector<std::uint64_t>& found) const;

  engine::Descriptor directory_;
  std::string path_;
};

}  // namespace millrace::health::cluster
