// Lookup by binary search over a sorted vector. Thread: any. Invariant: see credentials.h.
#include "s3/auth/credentials.h"

#include <algorithm>
#include <utility>

namespace millrace::s3 {

CredentialTable::CredentialTable(std::vector<Principal> principals) {
  principals_.reserve(principals.size());
  for (Principal& principal : principals) {
    const auto at =
        std::ranges::lower_bound(principals_, principal.access_key, {}, &Principal::access_key);
    if (at == principals_.end() || at->access_key != principal.access_key)
      principals_.insert(at, std::move(principal));
  }
}

const Principal* CredentialTable::find(std::string_view access_key) const {
  const auto at = std::lower_bound(
      principals_.begin(), principals_.end(), access_key,
      [](const Principal& principal, std::string_view key) { return principal.access_key < key; });
  return at != principals_.end() && at->access_key == access_key ? &*at : nullptr;
}

CredentialSource CredentialTable::source() const {
  return {this, [](const void* context, std::string_view access_key) {
            return static_cast<const CredentialTable*>(context)->find(access_key);
          }};
}

}  // namespace millrace::s3
