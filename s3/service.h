// The S3 service of one shard: who asks, for what, may he, and then the operation's handler.
#pragma once

#include "http/server.h"
#include "s3/auth/form_signature.h"
#include "s3/auth/signing_key.h"
#include "s3/bucket_policies.h"
#include "s3/request.h"
#include "s3/store/listing/directory_indexes.h"
#include "s3/store/listing/entry_facts.h"
#include "s3/store/object_cache.h"
#include "s3/store/store.h"

#include <span>
#include <string>
#include <string_view>

namespace millrace::s3 {

// Paths that are not S3's, answered on the S3 port without credentials (health checks).
struct SideDoor {
  bool (*owns)(std::string_view path) = nullptr;
  bool (*reserves)(std::string_view bucket) = nullptr;  // names that would hide behind them
  engine::Task<> (*serve)(void* context, http::Exchange& exchange) = nullptr;
  void* context = nullptr;
};

struct ServiceOptions {
  std::string region;
  std::span<const std::string_view> domains;
  CredentialSource credentials;
  std::string owner_name = "root";           // of all buckets and objects
  store::Ownership default_owner;            // for the root key: the server's own
  store::Ownership anonymous_owner;          // of what is written without a signature
  std::uint32_t buckets_max = 0;             // 0: no limit
  std::size_t objects_kept_max = 0;          // of a shard, open for the next read
  engine::LogChannel* access_log = nullptr;  // one line a request; null: none
  SideDoor side_door;
};

class Service {
 public:
  Service(engine::Shard& shard, const ServiceOptions& options,
          const store::StoreOptions& store_options, store::KeyLocks& locks);

  http::Handler handler();

  engine::Shard& shard() { return shard_; }
  const ServiceOptions& options() const { return options_; }
  store::Store& store() { return store_; }
  store::ObjectCache& objects() { return objects_; }
  store::DirectoryIndexes& indexes() { return indexes_; }
  store::EntryMemory& entries() { return entries_; }
  BucketPolicies& policies() { return policies_; }

  // The body of an answer that is an error.
  std::string error_document(Request& request, const S3Error& error) const;

  // For a form, whose signature and key are in its body: who has signed it becomes the request's
  // identity; then permission.h decides as for every other request.
  Outcome<> identify_form(Request& request, const FormSignature& form);

 private:
  static engine::Task<> serve(void* context, http::Exchange& exchange);
  engine::Task<> serve_request(Request& request);
  engine::Task<Outcome<>> run(Request& request);
  engine::Task<> prepare_cors(Request& request);
  Outcome<> identify(Request& request);
  Outcome<> refuse_identity(Request& request, const AuthError& error) const;
  Outcome<> check_names(Request& request) const;
  engine::Task<S3Error> refused(Request& request, S3Error error);
  engine::Task<> answer_error(Request& request, const S3Error& error);
  void account(const Request& request);
  RequestId next_id();

  engine::Shard& shard_;
  const ServiceOptions options_;
  SigningKeyCache signing_keys_;
  store::Store store_;
  store::PlaceWatch places_;
  store::ObjectCache objects_;
  store::DirectoryIndexes indexes_;
  store::EntryMemory entries_;
  BucketPolicies policies_;
  std::uint64_t next_id_;
};

// Whether this shard takes one more request on now: the one function that decides on limits,
// rates and overload.
Outcome<> admit(engine::Shard& shard);

// The handler of an operation, or null for one that is not built.
Handler handler_of(OperationId id);

}  // namespace millrace::s3
