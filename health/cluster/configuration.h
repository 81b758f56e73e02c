// What all containers of a cluster have in common: the body of the documents `cluster` and
// `secrets-ID` (documents.h). Values; no I/O.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::health::cluster {

inline constexpr std::string_view cluster_document = "cluster";
// Of each cluster one, with its id behind it, so that no other's are ever taken for them.
inline constexpr std::string_view secrets_document_prefix = "secrets-";
inline constexpr std::size_t containers_max = 1024;
inline constexpr std::size_t container_name_bytes_max = 63;
// What a cluster may use is agreed on as a level, which an administrator raises once all of its
// containers run a version that knows it. Versions that don't are refused from then on. Level 1:
// everything in this file.
inline constexpr unsigned feature_level_known = 1;
// The user and group that POSIX knows as nobody and nogroup.
inline constexpr std::uint32_t nobody_id = 65534;
inline constexpr std::uint32_t buckets_max_default = 10'000;

// One that may be, or has been, part of the cluster.
struct Container {
  std::string name;
  bool drained = false;
  bool operator==(const Container&) const = default;
};

// A filesystem that objects live on, mounted at the same place on every container's host.
struct DataFilesystem {
  std::string name;
  std::string directory;  // absolute
  std::string id;         // of its format file: a mount point without it is empty, not the data
  bool operator==(const DataFilesystem&) const = default;
};

// What a container serves by, from its start to its end: a change is in force once it has started
// again.
struct Settings {
  std::vector<DataFilesystem> data;
  std::uint16_t port = 9000;
  std::uint16_t health_port = 9001;
  std::vector<std::string> domains;
  std::string region = "us-east-1";
  std::string durability = "strict";
  std::uint32_t buckets_max = buckets_max_default;
  std::uint32_t anonymous_uid = nobody_id;  // owner of what nobody in particular writes
  std::uint32_t anonymous_gid = nobody_id;
  bool operator==(const Settings&) const = default;
};

struct Configuration : Settings {
  bool destroyed = false;  // the last generation of a cluster that is no more
  std::string id;          // random, 32 hexadecimal digits; the data's format file has it, too
  unsigned feature_level = feature_level_known;
  // Only `containers` may join; else whoever comes is written down there.
  bool named_only = false;
  std::vector<Container> containers;  // by name
  bool operator==(const Configuration&) const = default;

  const Container* find(std::string_view name) const;
  Container* find(std::string_view name);
  // In its place by name. False when it is there already.
  bool add(std::string_view name);
  const Settings& settings() const { return *this; }
};

// The body of a document, and back. Errors say which member is missing or wrong.
std::string to_body(const Configuration& configuration);
std::expected<Configuration, std::string> configuration_of(std::string_view body);

struct Secrets {
  std::string access_key;
  std::string secret_key;
  std::string peer_key;  // for talk between containers; 64 hexadecimal digits
};
std::string to_body(const Secrets& secrets);
std::expected<Secrets, std::string> secrets_of(std::string_view body);

// Lower-case letters, digits, and '-' and '.' but not at the ends: what can be a host's name.
bool container_name_valid(std::string_view name);

}  // namespace millrace::health::cluster
