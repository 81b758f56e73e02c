// <Error>: see the header. The owner is the request that failed.
#include "s3/xml/error_document.h"

#include "engine/check.h"
#include "s3/xml/writer.h"

namespace millrace::s3::xml {

void append_error(std::string& out, const S3Error& error, const ErrorContext& context,
                  std::span<const ExtraElement> extra) {
  CHECK(has_body(error.code));
  Writer writer(out);
  const auto optional = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) writer.text(name, value);
  };
  writer.open("Error");
  writer.text("Code", code_text(error.code));
  writer.text("Message", error.message());
  if (!error.argument_name.empty()) {
    writer.text("ArgumentName", error.argument_name);
    writer.text("ArgumentValue", error.argument_value);
  }
  for (const ExtraElement& element : extra) optional(element.name, element.value);
  optional("Resource", context.resource);
  writer.text("RequestId", context.request_id);
  writer.text("HostId", context.host_id);
  writer.close();
}

}  // namespace millrace::s3::xml
