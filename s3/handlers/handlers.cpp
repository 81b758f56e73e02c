// From an operation to its handler.
#include "s3/handlers/handlers.h"

#include "s3/service.h"

namespace millrace::s3 {

Handler handler_of(OperationId id) {
  switch (id) {
    case OperationId::list_buckets: return handlers::list_buckets;
    case OperationId::create_bucket: return handlers::create_bucket;
    case OperationId::head_bucket: return handlers::head_bucket;
    case OperationId::delete_bucket: return handlers::delete_bucket;
    case OperationId::get_bucket_location: return handlers::get_bucket_location;
    case OperationId::get_object: return handlers::get_object;
    case OperationId::head_object: return handlers::get_object;
    case OperationId::put_object: return handlers::put_object;
    case OperationId::delete_object: return handlers::delete_object;
    case OperationId::delete_objects: return handlers::delete_objects;
    default: return nullptr;
  }
}

}  // namespace millrace::s3
