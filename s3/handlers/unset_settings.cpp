// Settings of a bucket that Millrace does not have: they can be asked for and removed, as of a
// bucket that never got them, while setting them is refused (501, the table of operations).
#include "s3/handlers/answers.h"
#include "s3/handlers/handlers.h"
#include "s3/xml/writer.h"

#include <algorithm>
#include <array>
#include <optional>

namespace millrace::s3::handlers {

using engine::Task;

namespace {

// What AWS answers where nothing was set: an error, or a document with at most one element; 204
// where there is neither.
struct Unset {
  OperationId id;
  std::optional<ErrorCode> error = {};
  std::string_view root = {};
  std::string_view element = {};
  std::string_view text = {};
};

using Id = OperationId;
using Code = ErrorCode;
constexpr std::string_view truncated = "IsTruncated";

constexpr std::array unset = {
    Unset{Id::get_bucket_versioning, {}, "VersioningConfiguration"},
    Unset{Id::get_bucket_accelerate_configuration, {}, "AccelerateConfiguration"},
    Unset{Id::get_bucket_logging, {}, "BucketLoggingStatus"},
    Unset{Id::get_bucket_notification_configuration, {}, "NotificationConfiguration"},
    Unset{
        Id::get_bucket_request_payment, {}, "RequestPaymentConfiguration", "Payer", "BucketOwner"},
    Unset{Id::get_bucket_website, Code::no_such_website},
    Unset{Id::get_bucket_replication, Code::replication_not_found},
    Unset{Id::get_bucket_lifecycle_configuration, Code::no_such_lifecycle},
    Unset{Id::get_bucket_encryption, Code::encryption_not_found},
    Unset{Id::get_object_lock_configuration, Code::object_lock_not_found},
    Unset{Id::delete_bucket_website},
    Unset{Id::delete_bucket_replication},
    Unset{Id::delete_bucket_lifecycle},
    Unset{Id::delete_bucket_encryption},
    Unset{Id::list_bucket_analytics_configurations,
          {},
          "ListBucketAnalyticsConfigurationResult",
          truncated,
          "false"},
    Unset{Id::list_bucket_inventory_configurations,
          {},
          "ListInventoryConfigurationsResult",
          truncated,
          "false"},
    Unset{Id::list_bucket_metrics_configurations,
          {},
          "ListMetricsConfigurationsResult",
          truncated,
          "false"},
    Unset{Id::list_bucket_intelligent_tiering_configurations,
          {},
          "ListBucketIntelligentTieringConfigurationsOutput",
          truncated,
          "false"},
    Unset{Id::get_bucket_analytics_configuration, Code::no_such_configuration},
    Unset{Id::get_bucket_inventory_configuration, Code::no_such_configuration},
    Unset{Id::get_bucket_metrics_configuration, Code::no_such_configuration},
    Unset{Id::get_bucket_intelligent_tiering_configuration, Code::no_such_configuration},
    Unset{Id::delete_bucket_analytics_configuration, Code::no_such_configuration},
    Unset{Id::delete_bucket_inventory_configuration, Code::no_such_configuration},
    Unset{Id::delete_bucket_metrics_configuration, Code::no_such_configuration},
    Unset{Id::delete_bucket_intelligent_tiering_configuration, Code::no_such_configuration},
};

const Unset* find(OperationId id) {
  const auto found = std::ranges::find(unset, id, &Unset::id);
  return found == unset.end() ? nullptr : &*found;
}

}  // namespace

bool never_set(OperationId id) {
  return find(id) != nullptr;
}

Task<Outcome<>> unset_setting(Request& request) {
  if (const auto there = co_await check_bucket(request); !there) co_return there;
  const Unset& row = *find(*request.operation);
  if (row.error) co_return refuse(*row.error);
  if (row.root.empty()) {
    request.begin(204);
    co_return co_await send_empty(request);
  }
  std::string document;
  {
    xml::Writer writer(document);
    writer.open_root(row.root);
    if (!row.element.empty()) writer.text(row.element, row.text);
    writer.close();
  }
  co_return co_await send_xml(request, document);
}

}  // namespace millrace::s3::handlers
