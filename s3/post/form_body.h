// The body of a form as it comes: first its fields, then the file's content piece by piece. What
// follows the file is left where it is, as AWS does. Owned by the request.
#pragma once

#include "http/exchange.h"
#include "s3/post/form.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace millrace::s3::post {

class FormBody {
 public:
  FormBody(http::Exchange& exchange, std::string_view boundary);
  FormBody(const FormBody&) = delete;  // the fields point into it
  FormBody& operator=(const FormBody&) = delete;

  // Up to where the file's content begins. Also MaxPostPreDataLengthExceededError.
  engine::Task<Outcome<>> read_fields();
  const FormReader& form() const { return reader_; }

  // How much content is taken; EntityTooLarge and EntityTooSmall beyond. Before the first read().
  void allow(std::uint64_t bytes_min, std::uint64_t bytes_max) {
    bytes_min_ = bytes_min;
    bytes_max_ = bytes_max;
  }
  std::uint64_t bytes_min() const { return bytes_min_; }
  std::uint64_t bytes_max() const { return bytes_max_; }
  std::uint64_t bytes() const { return bytes_; }  // of content, that have come
  // Of content, where the file is the form's last part, as the body's length has it.
  std::uint64_t bytes_announced() const;
  // Fills `into`, which has more room than a delimiter, from its start; 0: the file has ended.
  engine::Task<Outcome<std::size_t>> read(std::span<std::byte> into);

 private:
  engine::Task<Outcome<std::size_t>> pull(std::span<std::byte> into);

  http::Exchange& exchange_;
  FormReader reader_;
  std::vector<std::byte> start_;     // never moves: the reader's views point into it
  std::span<const std::byte> rest_;  // of start_: content that was read with the fields
  std::size_t held_ = 0;             // bytes of a delimiter's beginning that may be content
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_min_ = 0;
  std::uint64_t bytes_max_ = ~0ULL;
  bool ended_ = false;
};

}  // namespace millrace::s3::post
