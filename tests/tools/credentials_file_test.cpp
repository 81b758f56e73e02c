// Where the root credentials come from, and which files are refused.
#include "tools/credentials_file.h"

#include "engine/descriptor.h"
#include "tests/skip.h"
#include "tests/tools/temporary_directory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace {

using namespace millrace::tools;

constexpr const char* nothing[] = {nullptr};
constexpr const char* good_file = "access_key = \"admin\"\nsecret_key = \"secret-secret\"\n";

struct Place {
  TemporaryDirectory directory;
  millrace::engine::Descriptor fd{
      ::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

  void put(const char* text, mode_t mode = 0600) const {
    const std::string file = directory.write("credentials", text);
    REQUIRE(::chmod(file.c_str(), mode) == 0);
  }
  Allowed<Credentials> load(const char* const* environment = nothing) const {
    return load_credentials(fd.get(), directory.path(), environment);
  }
  std::string refusal(const char* const* environment = nothing) const {
    const auto loaded = load(environment);
    return loaded.has_value() ? "accepted" : loaded.error().line();
  }
};

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("generated once, kept for the server's user alone, read again") {
  const Place place;
  const auto first = place.load();
  REQUIRE(first.has_value());
  CHECK(first->generated());
  CHECK(first->access_key.size() == 20);
  CHECK(first->access_key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
        std::string::npos);
  CHECK(first->secret_key.size() == 40);
  struct stat status = {};
  REQUIRE(::stat((place.directory / "credentials").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(::access((place.directory / "credentials.new").c_str(), F_OK) != 0);

  const auto second = place.load();
  REQUIRE(second.has_value());
  CHECK_FALSE(second->generated());
  CHECK(second->access_key == first->access_key);
  CHECK(second->secret_key == first->secret_key);

  const Place other;
  CHECK(other.load()->secret_key != first->secret_key);
}

TEST_CASE(
    "the file has mode 0600 whatever the umask, and a dead writer's leftover is no hindrance") {
  const Place place;
  place.directory.write("credentials.new", "half");
  const mode_t before = ::umask(0777);
  const auto loaded = place.load();
  ::umask(before);
  REQUIRE(loaded.has_value());
  struct stat status = {};
  REQUIRE(::stat((place.directory / "credentials").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("the environment goes before the file, with both of its variables") {
  const Place place;
  place.put(good_file);
  const char* both[] = {"MILLRACE_ACCESS_KEY=other", "MILLRACE_SECRET_KEY=12345678", nullptr};
  const auto loaded = place.load(both);
  REQUIRE(loaded.has_value());
  CHECK(loaded->access_key == "other");
  CHECK(loaded->source == Credentials::Source::environment);
  const char* one[] = {"MILLRACE_ACCESS_KEY=other", nullptr};
  CHECK(
      place.refusal(one) ==
      "millrace: MILLRACE_SECRET_KEY: isn't set, but MILLRACE_ACCESS_KEY is; set both or neither");
  const char* half[] = {"MILLRACE_SECRET_KEY=12345678", "MILLRACE_ACCESS_KEY=", nullptr};
  CHECK(holds(place.refusal(half), "MILLRACE_ACCESS_KEY: isn't set"));
}

TEST_CASE("keys of forbidden lengths and characters are refused, and secrets never shown") {
  const Place place;
  const char* short_access[] = {"MILLRACE_ACCESS_KEY=ab", "MILLRACE_SECRET_KEY=12345678", nullptr};
  CHECK(holds(place.refusal(short_access), "MILLRACE_ACCESS_KEY: isn't an access key"));
  const char* slash[] = {"MILLRACE_ACCESS_KEY=a/b", "MILLRACE_SECRET_KEY=12345678", nullptr};
  CHECK(holds(place.refusal(slash), "MILLRACE_ACCESS_KEY"));
  const char* short_secret[] = {"MILLRACE_ACCESS_KEY=abc", "MILLRACE_SECRET_KEY=hush567", nullptr};
  CHECK(holds(place.refusal(short_secret), "MILLRACE_SECRET_KEY: isn't a secret key"));
  CHECK_FALSE(holds(place.refusal(short_secret), "hush"));
  const std::string long_secret = "MILLRACE_SECRET_KEY=" + std::string(129, 'x');
  const char* too_long[] = {"MILLRACE_ACCESS_KEY=abc", long_secret.c_str(), nullptr};
  CHECK(holds(place.refusal(too_long), "8 to 128"));
}

TEST_CASE("a file of another user is refused") {
  if (::geteuid() != 0) MILLRACE_SKIP("only root can give a file away");
  const Place place;
  place.put(good_file);
  REQUIRE(::chown((place.directory / "credentials").c_str(), 12345, 0) == 0);
  CHECK(holds(place.refusal(), "belongs to user 12345"));
}

TEST_CASE("a file that others may read, or that isn't a file, is refused") {
  const Place place;
  for (const mode_t mode : {0644U, 0640U, 0604U, 0700U, 04600U}) {
    CAPTURE(mode);
    place.put(good_file, mode);
    CHECK(holds(place.refusal(), "chmod 600"));
  }
  place.put(good_file, 0600);
  CHECK(place.load().has_value());
  REQUIRE(::unlink((place.directory / "credentials").c_str()) == 0);
  REQUIRE(::symlink("elsewhere", (place.directory / "credentials").c_str()) == 0);
  CHECK(holds(place.refusal(), "symbolic link"));
  REQUIRE(::unlink((place.directory / "credentials").c_str()) == 0);
  REQUIRE(::mkfifo((place.directory / "credentials").c_str(), 0600) == 0);
  CHECK(holds(place.refusal(), "isn't a file"));
}

TEST_CASE("a broken file is refused by its line, without its text") {
  const Place place;
  place.put("access_key = \"admin\"\nsecret_key = hush-hush\n");
  CHECK(holds(place.refusal(), "credentials:2:"));
  CHECK_FALSE(holds(place.refusal(), "hush"));
  place.put("access_key = \"admin\"\n");
  CHECK(holds(place.refusal(), "secret_key: isn't a secret key"));
  place.put("access_key = \"admin\"\nsecret_kee = \"12345678\"\n");
  CHECK(holds(place.refusal(), "unknown key \"secret_kee\""));
}

TEST_CASE("looking for credentials writes none") {
  const Place place;
  const auto found = find_credentials(place.fd.get(), place.directory.path(), nothing);
  REQUIRE(found.has_value());
  CHECK_FALSE(found->has_value());
  CHECK(std::filesystem::is_empty(place.directory.path()));
}
