// Opening a data directory: what is made, what is refused, and the lock between two processes.
#include "tools/data_directory.h"

#include "tests/tools/temporary_directory.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace {

using namespace millrace::tools;

constexpr const char* good_format =
    "layout = 1\nreadable = 1\nwritable = 1\nmode = \"standalone\"\nid = \"00ff\"\n";

std::string refusal_of(std::string_view format) {
  const auto parsed = parse_format(format, "F");
  return parsed.has_value() ? "accepted" : parsed.error().line();
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A process that opens the directory, says so, and waits to be killed.
class Holder {
 public:
  explicit Holder(const std::string& path) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      const auto directory = DataDirectory::open(path);
      const char answer = directory.has_value() ? 'y' : 'n';
      if (::write(ends[1], &answer, 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char answer = '?';
    CHECK(::read(ends[0], &answer, 1) == 1);
    ::close(ends[0]);
    CHECK(answer == 'y');
  }
  ~Holder() { kill(); }

  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }
  pid_t pid() const { return child_; }

 private:
  pid_t child_ = -1;
};

}  // namespace

TEST_CASE("a first open makes the directory, .millrace and the format; a second keeps the id") {
  const TemporaryDirectory parent;
  const std::string path = parent / "data";
  std::string id;
  {
    const auto directory = DataDirectory::open(path);
    REQUIRE(directory.has_value());
    id = directory->format().id;
    CHECK(id.size() == 32);
    struct stat status = {};
    REQUIRE(::stat(directory->system_path().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
  }
  const std::string format = parent.read("data/.millrace/format");
  CHECK(holds(format, "layout = 1\n"));
  CHECK(holds(format, id));
  const auto again = DataDirectory::open(path);
  REQUIRE(again.has_value());
  CHECK(again->format().id == id);
  CHECK(parent.read("data/.millrace/format") == format);
}

TEST_CASE("what can't be a data directory") {
  const TemporaryDirectory parent;
  parent.write("file", "x");
  CHECK(holds(DataDirectory::open(parent / "file").error().line(), "isn't a directory"));
  CHECK(holds(DataDirectory::open(parent / "absent/data").error().line(), "can't be made"));
  CHECK(holds(DataDirectory::open("/proc").error().line(), "/proc"));
}

TEST_CASE("formats that this version reads, and those it refuses") {
  CHECK(refusal_of(good_format) == "accepted");
  CHECK(parse_format(good_format, "F")->id == "00ff");
  CHECK(refusal_of(std::string(good_format) + "extra = [1, 2]\nflag = true\n") == "accepted");
  CHECK(holds(refusal_of("layout = 2\n"), "the layout is 2, but this version knows 1"));
  CHECK(holds(refusal_of("layout = 1\nreadable = 3\n"), "reading it needs feature level 3"));
  CHECK(holds(refusal_of("layout = 1\nreadable = 1\nwritable = 9\n"), "writing it needs"));
  CHECK(holds(refusal_of("layout = 1\nreadable = 1\nwritable = 1\nmode = \"other\"\n"),
              "the mode is \"other\""));
  const std::string cluster =
      "layout = 1\nreadable = 1\nwritable = 1\nmode = \"cluster\"\nid = \"00ff\"\n";
  CHECK(holds(refusal_of(cluster), "its mode and its cluster do not fit"));
  CHECK(holds(refusal_of(std::string(good_format) + "cluster = \"c1\"\n"), "do not fit"));
  CHECK(parse_format(cluster + "cluster = \"c1\"\n", "F")->cluster == "c1");
  CHECK(holds(refusal_of(""), "lacks"));
  CHECK(holds(refusal_of("layout = \"one\"\n"), "isn't a whole number"));
  CHECK(holds(refusal_of("layout = -1\n"), "isn't a whole number"));
  CHECK(holds(refusal_of("layout = 1\nread"), "can't be read as a format file"));
  CHECK(holds(refusal_of(std::string_view("\0\0\0\0", 4)), "can't be read"));
  CHECK(parse_format(format_text(Format{.id = "a\"b"}), "F")->id == "a\"b");
}

TEST_CASE("a torn format is refused and left as it is") {
  const TemporaryDirectory data;
  data.write(".millrace/format", "layout = 1\nreada");
  CHECK(holds(DataDirectory::open(data.path()).error().line(), ".millrace/format"));
  CHECK(data.read(".millrace/format") == "layout = 1\nreada");
}

TEST_CASE("a second process is refused and told the first one's number, until that is killed") {
  const TemporaryDirectory data;
  Holder holder(data.path());
  const std::string number = "process " + std::to_string(holder.pid()) + " on ";
  const auto refused = DataDirectory::open(data.path());
  REQUIRE_FALSE(refused.has_value());
  CHECK(holds(refused.error().line(), number));
  const auto examined = examine_data_directory(data.path());
  REQUIRE_FALSE(examined.has_value());
  CHECK(holds(examined.error().line(), number));
  // The refused attempts have not loosened it.
  CHECK_FALSE(DataDirectory::open(data.path()).has_value());

  holder.kill();
  CHECK(examine_data_directory(data.path()).has_value());
  CHECK(DataDirectory::open(data.path()).has_value());
}

TEST_CASE("one process can't open a directory twice") {
  const TemporaryDirectory data;
  const auto first = DataDirectory::open(data.path());
  REQUIRE(first.has_value());
  CHECK_FALSE(DataDirectory::open(data.path()).has_value());
}

TEST_CASE("examining changes nothing") {
  const TemporaryDirectory parent;
  const auto absent = examine_data_directory(parent / "data");
  REQUIRE(absent.has_value());
  CHECK(absent->kind == DataState::Kind::absent);
  const auto empty = examine_data_directory(parent.path());
  REQUIRE(empty.has_value());
  CHECK(empty->kind == DataState::Kind::empty);
  CHECK(std::filesystem::is_empty(parent.path()));
  REQUIRE(DataDirectory::open(parent / "data").has_value());
  const auto formatted = examine_data_directory(parent / "data/");
  REQUIRE(formatted.has_value());
  CHECK(formatted->kind == DataState::Kind::formatted);
}

TEST_CASE("where attributes are is decided once") {
  Format format{.id = "id"};
  millrace::s3::store::Abilities abilities;
  abilities.attribute_bytes_max = 3500;
  CHECK(apply_format(format, "/data", abilities).has_value());
  CHECK(abilities.attribute_bytes_max == 3500);
  abilities.attribute_bytes_max = 0;
  const auto lost = apply_format(format, "/data", abilities);
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().why.find("extended attributes") != std::string::npos);
  format.attributes_beside = true;
  abilities.attribute_bytes_max = 3500;
  CHECK(apply_format(format, "/data", abilities).has_value());
  CHECK(abilities.attribute_bytes_max == 0);
  const auto again = parse_format(format_text(format), "format");
  REQUIRE(again.has_value());
  CHECK(again->attributes_beside);
}
