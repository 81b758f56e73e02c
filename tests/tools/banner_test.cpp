// What is shown of a server, and what never is; refusals on one line; the table; the notification.
#include "tools/banner.h"

#include "engine/descriptor.h"
#include "tools/check_report.h"
#include "tools/filesystem_check.h"
#include "tools/notify.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace {

using namespace millrace::tools;
using millrace::s3::store::Abilities;
using millrace::s3::store::Ability;
using millrace::s3::store::DirectorySync;

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Abilities good_abilities() {
  Abilities abilities;
  std::memcpy(abilities.type_name.data(), "ext4", 5);
  abilities.hard_link = Ability{0};
  abilities.directory_sync = DirectorySync::works;
  abilities.attribute_bytes_max = 3500;
  return abilities;
}

}  // namespace

TEST_CASE("generated credentials are shown to a person, and never to a log") {
  ServeOptions options;
  options.data = "/my data";
  const Cores cores{{0, 1}, true, "all"};
  const Abilities abilities = good_abilities();
  Credentials credentials{"ACCESS", "HUSHHUSH", Credentials::Source::generated};
  const BannerFacts facts{&options, &cores, &abilities, &credentials, "0a", {"http://h:1"}, {}};
  CHECK(holds(terminal_banner(facts), "HUSHHUSH"));
  CHECK(holds(terminal_banner(facts), "http://h:1"));
  CHECK(holds(terminal_banner(facts), "strict: data, metadata and name"));
  CHECK_FALSE(holds(structured_banner(facts), "HUSHHUSH"));
  CHECK(holds(structured_banner(facts), "data=\"/my data\""));
  CHECK(holds(structured_banner(facts), "source=generated"));
  credentials.source = Credentials::Source::file;
  CHECK_FALSE(holds(terminal_banner(facts), "HUSHHUSH"));
  CHECK(holds(terminal_banner(facts), "ACCESS"));
}

TEST_CASE("a refusal is one line, whatever is in it") {
  CHECK(Refusal{"a\nb", "c\x1b[1m", "d"}.line() == "millrace: a?b: c?[1m; d");
  CHECK(Refusal{"a", "b", ""}.line() == "millrace: a: b");
}

TEST_CASE("the table's columns are aligned") {
  CHECK(table_text({{"a", CheckRow::Verdict::ok, "1", "x"},
                    {"long", CheckRow::Verdict::absent, "", "y"},
                    {"b", CheckRow::Verdict::no, "22", "z"}}) ==
        "  a     ok      1   x\n"
        "  long  absent      y\n"
        "  b     no      22  z\n");
}

TEST_CASE("filesystems that can't keep the promise are refused") {
  Abilities abilities = good_abilities();
  CHECK_FALSE(check_filesystem("d", abilities, Durability::strict).refusal.has_value());
  abilities.directory_sync = DirectorySync::fails;
  CHECK(check_filesystem("d", abilities, Durability::strict).refusal.has_value());
  CHECK_FALSE(check_filesystem("d", abilities, Durability::data).refusal.has_value());
  abilities.directory_sync = DirectorySync::ignored;
  CHECK_FALSE(check_filesystem("d", abilities, Durability::strict).refusal.has_value());
  abilities.hard_link = Ability{EPERM};
  CHECK(check_filesystem("d", abilities, Durability::none).refusal.has_value());
  abilities.persistent = false;
  CHECK(holds(durability_promise(Durability::strict, abilities), "a reboot loses everything"));
}

TEST_CASE("the service manager gets its datagram, at a path and at an abstract name") {
  const std::string path = "/tmp/millrace-notify-" + std::to_string(::getpid());
  for (const std::string& name : {path, "@" + path}) {
    const millrace::engine::Descriptor manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(manager.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    CHECK(notify_service_manager(name.c_str(), "READY=1"));
    char text[32];
    const ssize_t bytes = ::recv(manager.get(), text, sizeof text, 0);
    REQUIRE(bytes == 7);
    CHECK(std::string_view(text, 7) == "READY=1");
  }
  ::unlink(path.c_str());
  CHECK(notify_service_manager(nullptr, "READY=1"));
  CHECK(notify_service_manager("", "READY=1"));
  CHECK_FALSE(notify_service_manager(path.c_str(), "READY=1"));
  CHECK_FALSE(notify_service_manager("relative", "READY=1"));
  CHECK_FALSE(notify_service_manager(std::string(200, '/').c_str(), "READY=1"));
}
