// Certificates and keys: what is taken, what is refused, and why; and one identity that several
// threads ask for and one replaces.
#include "engine/tls.h"

#include "tests/engine/tls_peer.h"

#include <atomic>
#include <ctime>
#include <thread>
#include <vector>

using namespace millrace::engine;
using namespace millrace::tests;

TEST_CASE("tls: pairs that are refused, and why") {
  const PemPair good = make_pair("good");
  const PemPair other = make_pair("other");
  const PemPair rsa = make_pair("rsa", 2048);
  const PemPair weak = make_pair("weak", 1024);
  const PemPair locked = make_pair("locked", 0, "pass");
  using enum TlsRefusal::File;
  const auto refused = [](const std::string& certificate_pem, const std::string& key_pem_text,
                          TlsRefusal::File file, std::string_view part) {
    const auto made = TlsContext::make(certificate_pem, key_pem_text);
    REQUIRE_FALSE(made);
    CAPTURE(made.error().why);
    CHECK(made.error().file == file);
    CHECK(made.error().why.find(part) != std::string::npos);
  };
  refused(good.certificate, other.key, key, "does not belong");
  refused(good.certificate, rsa.key, key, "does not belong");
  refused(rsa.certificate, good.key, key, "does not belong");
  refused("", good.key, certificate, "no certificate");
  refused(good.key, good.key, certificate, "no certificate");
  refused(good.certificate.substr(0, 200), good.key, certificate, "no certificate");
  refused(good.certificate + other.certificate.substr(0, 200), good.key, certificate, "broken");
  refused(good.certificate, good.key.substr(0, 60), key, "no private key");
  refused(good.certificate, "", key, "no private key");
  refused(locked.certificate, locked.key, key, "pass phrase");
  refused(weak.certificate, weak.key, certificate, "too small");
  const auto chain = TlsContext::make(good.certificate + other.certificate, good.key);
  REQUIRE(chain);
  CHECK(chain->subject() == "CN=good");
  CHECK(chain->expires_at() > ::time(nullptr));
  CHECK(TlsContext::make(good.key + good.certificate, good.key));
}

TEST_CASE("tls: an identity is replaced while others take it") {
  const PemPair one = make_pair("one");
  const PemPair two = make_pair("two");
  TlsIdentity identity(make_context(one));
  std::atomic<bool> going{true};
  std::atomic<unsigned> taken{0};
  std::atomic<unsigned> foreign{0};
  std::vector<std::thread> takers;
  for (unsigned i = 0; i < 3; ++i) {
    takers.emplace_back([&] {
      while (going) {
        const TlsContext context = identity.current();
        const std::string subject = context.subject();
        if (subject != "CN=one" && subject != "CN=two") ++foreign;
        ++taken;
      }
    });
  }
  for (unsigned i = 0; i < 50 || taken < 200; ++i) {
    identity.replace(make_context(i % 2 == 0 ? two : one));
  }
  going = false;
  for (std::thread& each : takers) each.join();
  CHECK(foreign == 0);
}
