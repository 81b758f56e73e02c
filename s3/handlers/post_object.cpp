// PostObject: the forms of browsers. What a form may do its signed policy says, or, without one,
// whoever may write to the bucket without a name. Then as PutObject: staged, digested on the way,
// verified, sealed, published, and only then answered.
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/handlers/object_headers.h"
#include "s3/handlers/object_tags.h"
#include "s3/handlers/put_whole.h"
#include "s3/limits.h"
#include "s3/payload.h"
#include "s3/permission.h"
#include "s3/post/form_body.h"
#include "s3/post/object_fields.h"
#include "s3/post/policy.h"
#include "s3/service.h"
#include "s3/unimplemented.h"
#include "s3/xml/tagging_document.h"
#include "s3/xml/writer.h"

#include <algorithm>
#include <memory>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

// Everything that a form is about, in one place that does not move.
struct Upload {
  Upload(http::Exchange& exchange, std::string_view boundary) : body(exchange, boundary) {}

  post::FormBody body;
  std::string key;
  http::Head head;  // of the object, as if it had come in headers
  std::vector<char> tagging;
  TagSet tags;
  DescribedObject memory;
  store::MetadataView meta;
  PayloadClaims claims;
};

Outcome<> to_outcome(Request& request, post::PolicyFailure failure) {
  request.error_text = std::move(failure.message);
  return refuse(failure.code, request.error_text);
}

Outcome<FormSignature> signature_of(const post::FormReader& form) {
  FormSignature signature;
  const std::pair<std::string_view, std::string_view*> needed[] = {
      {"policy", &signature.policy},
      {"x-amz-algorithm", &signature.algorithm},
      {"x-amz-credential", &signature.credential},
      {"x-amz-date", &signature.date},
      {"x-amz-signature", &signature.signature}};
  for (const auto& [name, value] : needed) {
    *value = form.find(name).value_or("");
    if (value->empty()) {
      return refuse_argument(
          "A form with a policy or a signature must have the fields policy, x-amz-algorithm, "
          "x-amz-credential, x-amz-date and x-amz-signature. If they are specified, please check "
          "the order of the fields.",
          name, {});
    }
  }
  signature.token = form.find("x-amz-security-token").value_or("");
  return signature;
}

// Who has signed the form, and whether its policy allows what it has. A form without either is
// nobody's.
Outcome<> check_form(Request& request, Upload& upload) {
  const post::FormReader& form = upload.body.form();
  if (form.find("awsaccesskeyid")) {
    return refuse(ErrorCode::invalid_request,
                  "The authorization mechanism you have provided is not supported. Please use "
                  "AWS4-HMAC-SHA256.");
  }
  const bool is_signed = form.find("policy") || form.find("x-amz-signature") ||
                         form.find("x-amz-credential") || form.find("x-amz-algorithm");
  if (!is_signed) return {};
  const auto signature = signature_of(form);
  if (!signature) return std::unexpected(signature.error());
  if (const auto known = request.service.identify_form(request, *signature); !known) return known;
  auto policy = post::parse_policy(signature->policy);
  if (!policy) return to_outcome(request, std::move(policy.error()));
  std::vector<post::FormField> fields = form.fields();
  for (post::FormField& field : fields) {
    if (http::field_name_equal(field.name, "key")) field.value = upload.key;
  }
  auto allowed =
      post::check_policy(*policy, fields, request.bucket(),
                         static_cast<std::int64_t>(request.service.shard().wall_seconds()));
  if (!allowed) return to_outcome(request, std::move(allowed.error()));
  upload.body.allow(policy->bytes_min, std::min(policy->bytes_max, limits::put_bytes_max));
  return {};
}

Outcome<> take_key(Request& request, Upload& upload) {
  auto key = post::key_of_form(upload.body.form());
  if (!key) return std::unexpected(key.error());
  upload.key = std::move(*key);
  const auto parsed = store::Key::from_decoded(upload.key);
  if (!parsed) {
    return refuse(parsed.error() == store::KeyError::too_long ? ErrorCode::key_too_long
                                                              : ErrorCode::invalid_argument,
                  parsed.error() == store::KeyError::too_long ? std::string_view()
                                                              : store::describe(parsed.error()));
  }
  request.key = *parsed;
  return {};
}

// What the fields say of the object: headers, metadata, tags, checksum.
Outcome<> describe(Request& request, Upload& upload) {
  const post::FormReader& form = upload.body.form();
  const QueryParameters no_query{std::string_view()};
  const auto whole = check_unimplemented(upload.head, no_query, OperationId::post_object,
                                         {.owner = request.service.options().owner_name});
  if (!whole) return whole;
  const auto described = describe_from_head(upload.head, upload.meta, upload.memory);
  if (!described) return described;
  if (const auto tagging = form.find("tagging")) {
    upload.tagging.assign(tagging->begin(), tagging->end());
    const auto tags = xml::parse_tagging(upload.tagging);
    if (!tags) return std::unexpected(tags.error());
    if (const auto taken = upload.tags.take(*tags); !taken) return taken;
    upload.meta.tags = upload.tags.packed();
  } else if (const auto taken = take_tags(upload.head, upload.meta, upload.tags); !taken) {
    return taken;
  }
  // How long the file is shows at its end; it is shorter than the body.
  upload.head.content_length =
      std::min(request.head().content_length.value_or(0), limits::put_bytes_max);
  request.identity.payload = PayloadMode::unsigned_payload;
  auto claims = parse_payload_claims(upload.head, request.identity, limits::put_bytes_max);
  if (!claims) return std::unexpected(claims.error());
  if (claims->algorithm == ChecksumAlgorithm::none) claims->algorithm = default_checksum;
  upload.claims = std::move(*claims);
  return {};
}

Task<Outcome<>> receive_and_store(Request& request, Upload& upload, store::StagedFile& staged) {
  Payload payload(request.exchange, request.identity, upload.claims, Payload::Md5Use::etag,
                  request.service.store().md5_queue());
  payload.read_from({.read =
                         [](void* of, std::span<std::byte> into) {
                           return static_cast<post::FormBody*>(of)->read(into);
                         },
                     .context = &upload.body});
  store::MappedPath path;
  store::map(*request.key, path);
  const store::WriteConditions none;
  co_return co_await receive_and_publish(request, payload, path, none, staged, upload.meta);
}

std::string location_of(const Request& request) {
  std::string location = request.exchange.connection().tls ? "https://" : "http://";
  location.append(request.head().host).append("/");
  if (!request.address.virtual_host) location.append(request.bucket()).append("/");
  post::append_percent_encoded(location, request.key->view(), true);
  return location;
}

Task<Outcome<>> answer(Request& request, const Upload& upload) {
  const post::FormReader& form = upload.body.form();
  std::array<char, store::etag_text_bytes_max> memory;
  const std::string_view etag = store::write_etag(upload.meta.etag, memory);
  const std::string_view redirect = post::redirect_of_form(form);
  const int status = redirect.empty() ? post::status_of_form(form) : 303;
  http::HeadWriter& out = request.begin(status);
  std::ignore = out.etag(etag);
  write_checksum(out, upload.meta);
  const std::string location = location_of(request);
  if (!redirect.empty()) {
    const std::string target =
        post::redirect_target(redirect, request.bucket(), request.key->view(), etag);
    std::ignore = out.field("Location", target);
    co_return co_await send_empty(request);
  }
  std::ignore = out.field("Location", location);
  if (status != 201) co_return co_await send_empty(request);
  std::ignore = out.field("Content-Type", "application/xml");
  std::string document;
  {
    xml::Writer writer(document);
    writer.open("PostResponse");
    writer.text("Location", location);
    writer.text("Bucket", request.bucket());
    writer.key("Key", request.key->view(), xml::KeyEncoding::plain);
    writer.etag("ETag", etag);
    writer.close();
  }
  if (!co_await request.exchange.send(document)) co_return refuse(ErrorCode::request_timeout);
  co_return Outcome<>{};
}

Outcome<std::string_view> boundary_of(Request& request) {
  const http::Head& head = request.head();
  const std::string_view type = head.value("content-type");
  if (!post::is_form(type)) {
    return refuse(ErrorCode::precondition_failed,
                  "Bucket POST must be of the enclosure-type multipart/form-data");
  }
  const auto boundary = post::form_boundary(type);
  if (!boundary) return refuse(ErrorCode::malformed_post_request);
  if (!head.content_length) return refuse(ErrorCode::missing_content_length);
  if (!request.identity.anonymous()) {
    return refuse(ErrorCode::invalid_request,
                  "A form is authorised by its policy, and not by a signed request.");
  }
  return *boundary;
}

// What an error tells may lie in the form, which ends before the answer does.
S3Error outliving(Request& request, S3Error error) {
  std::vector<char> kept;
  kept.reserve(error.detail.size() + error.argument_name.size() + error.argument_value.size());
  for (std::string_view* const text :
       {&error.detail, &error.argument_name, &error.argument_value}) {
    const std::size_t at = kept.size();
    kept.insert(kept.end(), text->begin(), text->end());
    *text = {kept.data() + at, text->size()};
  }
  request.decoded = std::move(kept);
  return error;
}

// What the file's size was held against.
void add_file_size(Request& request, const post::FormBody& body, const S3Error& error) {
  const auto add = [&request](std::string_view name, std::uint64_t bytes) {
    request.error_details.push_back({name, std::to_string(bytes)});
  };
  if (error.code == ErrorCode::entity_too_small) {
    add("ProposedSize", body.bytes());
    add("MinSizeAllowed", body.bytes_min());
  } else if (error.code == ErrorCode::entity_too_large) {
    add("ProposedSize", body.bytes_announced());
    add("MaxSizeAllowed", body.bytes_max());
  }
}

Task<Outcome<>> post_form(Request& request, Upload& upload) {
  upload.body.allow(0, limits::put_bytes_max);
  if (const auto read = co_await upload.body.read_fields(); !read) co_return read;
  if (const auto key = take_key(request, upload); !key) co_return key;
  if (const auto checked = check_form(request, upload); !checked) co_return checked;
  if (const auto made = post::fields_as_head(upload.body.form(), upload.head); !made) {
    co_return made;
  }
  request.form_head = &upload.head;
  if (const auto known = authorised_at_once(request)) {
    if (!*known) co_return *known;
  } else if (const auto allowed = co_await authorise(request); !allowed) {
    co_return allowed;
  }
  if (const auto described = describe(request, upload); !described) co_return described;
  if (const auto may = co_await may_tag(request, upload.meta.tags); !may) co_return may;
  const store::StoreOptions& options = request.service.store().options();
  store::StagedFile staged;
  staged.asker = request.asker();
  if (const auto made = co_await store::stage(options, request.bucket(), staged); !made) {
    co_return std::unexpected(bucket_error(made.error()));
  }
  const auto stored = co_await receive_and_store(request, upload, staged);
  co_await store::discard(options, request.bucket(), staged);
  if (!stored) {
    add_file_size(request, upload.body, stored.error());
    co_return stored;
  }
  co_return co_await answer(request, upload);
}

}  // namespace

Task<Outcome<>> post_object(Request& request) {
  const auto boundary = boundary_of(request);
  if (!boundary) co_return std::unexpected(boundary.error());
  const auto upload = std::make_unique<Upload>(request.exchange, *boundary);
  const auto done = co_await post_form(request, *upload);
  request.form_head = nullptr;
  if (!done) co_return std::unexpected(outliving(request, done.error()));
  co_return done;
}

}  // namespace millrace::s3::handlers
