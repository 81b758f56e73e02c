// Look-up of fields in a parsed head. Linear: a request has some ten to twenty fields and the
// length test turns most of them away.
#include "http/head.h"

#include "http/grammar.h"

namespace millrace::http {

bool field_name_equal(std::string_view name, std::string_view lower_name) {
  if (name.size() != lower_name.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (grammar::lower(name[i]) != lower_name[i]) return false;
  }
  return true;
}

const Field* Head::find(std::string_view lower_name) const {
  for (const Field& field : fields()) {
    if (field_name_equal(field.name, lower_name)) return &field;
  }
  return nullptr;
}

std::string_view Head::value(std::string_view lower_name) const {
  const Field* field = find(lower_name);
  return field != nullptr ? field->value : std::string_view{};
}

}  // namespace millrace::http
