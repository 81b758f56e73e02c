// The cluster's directory on the configuration filesystem: its documents, the containers' beats and
// the log of events. Opened by the command line and by containers. Blocks; one thread at a time.
#pragma once

#include "health/cluster/beat.h"
#include "health/cluster/configuration.h"
#include "health/cluster/documents.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace millrace::health::cluster {

// Below the configuration filesystem's root; 0700. Documents lie in it, beats and events in
// folders of their own.
inline constexpr const char* cluster_directory_name = "millrace";

struct ClusterReading {
  std::uint64_t generation = 0;  // 0: no cluster has ever been here
  Configuration configuration;
  std::vector<Fault> faults;  // of newer documents that can't be used
  bool exists() const { return generation != 0 && !configuration.destroyed; }
};

class ConfigDirectory {
 public:
  // Opens DIR/millrace, made where `make` says so. Errors: those of the system; ENOENT where
  // there is none.
  static engine::Result<ConfigDirectory> open(const std::string& directory, bool make);

  // The newest good configuration. A document whose body is not one counts as a fault, too.
  engine::Result<ClusterReading> read() const;
  engine::Result<DocumentStore::Publication> publish(const Configuration& configuration,
                                                     std::uint64_t generation);
  // Of this cluster. Any document of them that can't be used is an error (corrupt).
  engine::Result<std::optional<Secrets>> read_secrets(std::string_view cluster) const;
  engine::Result<> publish_secrets(std::string_view cluster, const Secrets& secrets);
  engine::Result<> remove_secrets(std::string_view cluster);
  engine::Result<bool> is_superseded(std::uint64_t generation) const {
    return documents_.is_superseded(cluster_document, generation);
  }

  // Replaces the container's beat in place; flushed to where others look by closing the file.
  engine::Result<> write_beat(const Beat& beat) const;
  // Nothing where there is none or it is half written. Errors: the filesystem does not tell.
  engine::Result<std::optional<Beat>> look_for_beat(std::string_view name) const;
  // Nothing where the filesystem does not tell, either.
  std::optional<Beat> read_beat(std::string_view name) const {
    return look_for_beat(name).value_or(std::nullopt);
  }
  // Held for the life of a container: no other process has its name then, on hosts that share the
  // filesystem's locks. Error EAGAIN: another one has it.
  engine::Result<engine::Descriptor> lock_name(std::string_view name) const;

  // One line of the log of what happened: appended by `writer` alone.
  void append_event(std::string_view writer, std::string_view event, std::string_view subject,
                    std::string_view text) const;
  // All of them, as lines of JSON, oldest first by their writers' clocks.
  std::vector<std::string> read_events() const;

  // Removes beats, events and what was left half published; the documents stay.
  engine::Result<> remove_contents();
  // The descriptors of its folders: all that reading and writing here needs.
  std::array<int, 3> descriptors() const { return {documents_.fd(), beats_.get(), events_.get()}; }

  const std::string& path() const { return documents_.path(); }

 private:
  ConfigDirectory(DocumentStore documents, engine::Descriptor beats, engine::Descriptor events)
      : documents_(std::move(documents)), beats_(std::move(beats)), events_(std::move(events)) {}

  DocumentStore documents_;
  engine::Descriptor beats_;
  engine::Descriptor events_;
};

}  // namespace millrace::health::cluster
