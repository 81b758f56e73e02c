// What objects hold: a pure function of seed, object, size and version, so that every byte of an
// answer can be checked without having kept it. Most of it is a window into one block of random
// bytes, so that making and checking it cost a memory copy and a comparison.
// Layout of an object of 16 bytes and more: its version, a check of the version, then bytes of the
// block. Smaller ones are bytes of the block only. Read-only once made; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace millrace::bench {

struct ObjectName {
  std::uint64_t object = 0;
  std::uint64_t bytes = 0;
  std::uint64_t version = 0;  // 0: as it was prepared
};

class Content {
 public:
  static constexpr std::size_t stamp_bytes = 16;
  // A prime: pieces of an object at round distances differ.
  static constexpr std::size_t period_bytes = 1'048'573;

  explicit Content(std::uint64_t seed);

  // The object's first bytes; empty where it is too small to have a version.
  static constexpr bool stamped(std::uint64_t object_bytes) { return object_bytes >= stamp_bytes; }
  std::array<std::byte, stamp_bytes> stamp(const ObjectName& name) const;
  // As many of the object's bytes from `at` on as lie together, up to `most`; from stamp_bytes on
  // where it has a stamp. Never empty when at < name.bytes and most > 0.
  std::span<const std::byte> piece(const ObjectName& name, std::uint64_t at,
                                   std::uint64_t most) const;
  // Copies the object's bytes from `at` on, stamp included.
  void copy(const ObjectName& name, std::uint64_t at, std::span<std::byte> into) const;

 private:
  friend class ContentCheck;
  std::uint64_t check_of(const ObjectName& name) const;
  std::uint64_t shift_of(const ObjectName& name) const;

  const std::uint64_t seed_;
  std::unique_ptr<std::byte[]> block_;  // the period twice, so that a piece need not wrap
};

// Holds what comes against what was put, piece by piece.
class ContentCheck {
 public:
  // The whole object, whatever its version.
  static ContentCheck whole(const Content& content, std::uint64_t object, std::uint64_t bytes);
  // A part of the object as it was prepared.
  static ContentCheck part(const Content& content, std::uint64_t object, std::uint64_t object_bytes,
                           std::uint64_t offset, std::uint64_t bytes);

  void take(std::span<const std::byte> received);
  // Whether all of it came, and all of it was right.
  bool good() const { return good_ && at_ == end_; }

 private:
  ContentCheck(const Content& content, const ObjectName& name, std::uint64_t at, std::uint64_t end,
               bool learns);
  bool learn_version();

  const Content* content_;
  ObjectName name_;
  std::uint64_t at_;
  std::uint64_t end_;
  bool learns_;  // the version comes with the first bytes
  bool good_ = true;
  std::array<std::byte, Content::stamp_bytes> stamp_{};
};

}  // namespace millrace::bench
