// TLS on a stream: every way a handshake and records can come, stop coming, or be wrong.
#include "engine/tls.h"

#include "engine/stream.h"
#include "tests/engine/tls_peer.h"

#include <optional>

using namespace millrace::engine;
using namespace millrace::tests;

namespace {

const PemPair& server_pair() {
  static const PemPair pair = make_pair("server");
  return pair;
}

struct Ends {
  explicit Ends(const PeerOptions& options = {}, bool tcp = false)
      : context(make_context(server_pair())),
        sockets(tcp ? tcp_pair() : unix_pair()),
        stream(std::move(sockets.server)),
        wire(std::move(sockets.client)),
        peer(wire, options) {}

  Task<> secure() { secured = co_await stream.secure(context); }
  // Both sides of the handshake.
  Task<> begin() {
    const Task<> server = secure();
    CHECK(co_await peer.handshake());
    while (!server.done()) co_await sleep_for(1);
    REQUIRE(secured);
    CHECK(*secured);
  }
  Task<> close() {
    co_await wire.close();
    co_await stream.close();
    CHECK(Shard::current().plain_blocks().in_use() == 0);
  }

  TlsContext context;
  SocketPair sockets;
  Stream stream;
  Stream wire;
  TlsPeer peer;
  Result<bool> secured;
};

Task<> send_and_end(Stream& stream, std::string_view text) {
  CHECK(co_await stream.send(bytes_of(text)));
  co_await stream.announce_end();
  stream.shut_down_sending();
}

Task<> send_text(TlsPeer& peer, std::string_view text) {
  co_await peer.send(text);
}

constexpr int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

}  // namespace

TEST_CASE("tls: both versions, both ways, ended by either side's word") {
  on_shard([](Shard&) -> Task<> {
    for (const int version : versions) {
      CAPTURE(version);
      Ends ends({.version = version});
      co_await ends.begin();
      const unsigned char* protocol = nullptr;
      unsigned size = 0;
      SSL_get0_alpn_selected(ends.peer.ssl(), &protocol, &size);
      CHECK(std::string_view(reinterpret_cast<const char*>(protocol), size) == "http/1.1");
      CHECK(SSL_version(ends.peer.ssl()) == version);
      co_await ends.peer.send("hello");
      REQUIRE(co_await ends.stream.readable());
      CHECK(text_of(ends.stream.available()) == "hello");
      ends.stream.consume(2);
      CHECK(text_of(ends.stream.available()) == "llo");
      ends.stream.consume(3);
      // Nothing is held for a connection that waits.
      CHECK(Shard::current().plain_blocks().in_use() == 0);
      CHECK(co_await ends.stream.send(bytes_of("welcome")));
      CHECK(co_await ends.peer.receive() == "welcome");
      co_await ends.peer.notify_close();
      const auto more = co_await ends.stream.readable();
      CHECK((more && !*more));
      // The peer only said that it sends no more.
      co_await send_and_end(ends.stream, "last");
      CHECK(co_await ends.peer.receive() == "last");
      CHECK(co_await ends.peer.receive() == "");
      CHECK(ends.peer.ended_well);
      co_await ends.close();
    }
  });
}

TEST_CASE("tls: a ticket resumes a session, on any connection of the context") {
  on_shard([](Shard&) -> Task<> {
    for (const int version : versions) {
      CAPTURE(version);
      SSL_SESSION* session = nullptr;
      const TlsContext context = make_context(server_pair());
      for (const bool again : {false, true}) {
        Ends ends({.version = version, .session = session});
        ends.context = context.share();
        co_await ends.begin();
        CHECK(SSL_session_reused(ends.peer.ssl()) == (again ? 1 : 0));
        CHECK(co_await ends.stream.send(bytes_of("x")));
        CHECK(co_await ends.peer.receive() == "x");
        if (!again) session = SSL_get1_session(ends.peer.ssl());
        co_await ends.peer.notify_close();  // or OpenSSL would not resume it
        co_await ends.close();
      }
      SSL_SESSION_free(session);
    }
  });
}

TEST_CASE("tls: everything byte by byte") {
  on_shard([](Shard&) -> Task<> {
    for (const int version : versions) {
      Ends ends({.version = version, .segment_bytes = 1}, true);
      co_await ends.begin();
      const std::string text = pattern(300);
      co_await ends.peer.send(text);
      std::string got(text.size(), '\0');
      const auto count = co_await ends.stream.read(std::as_writable_bytes(std::span(got)));
      CHECK((count && *count == text.size()));
      CHECK((got == text));
      co_await ends.close();
    }
  });
}

TEST_CASE("tls: read() fills what was asked for, from records of any size") {
  on_shard([](Shard& shard) -> Task<> {
    Ends ends;
    co_await ends.begin();
    const std::string text = pattern(1'500'000);
    shard.tasks().adopt(send_text(ends.peer, text));
    std::string got;
    for (const std::size_t size : {1U, 70U, 200'000U, 3U, 65'536U, 65'535U, 300'000U}) {
      REQUIRE(co_await ends.stream.readable());
      std::vector<std::byte> into(size);
      const auto count = co_await ends.stream.read(into);
      REQUIRE(count);
      CHECK(*count == size);
      got += text_of(into);
    }
    while (got.size() < text.size()) {
      REQUIRE(co_await ends.stream.readable());
      if (got.size() % 7 < 2) co_await sleep_for(1);
      got += text_of(ends.stream.available());
      ends.stream.consume(ends.stream.available().size());
    }
    CHECK((got == text));
    co_await ends.close();
  });
}

TEST_CASE("tls: more than any socket buffer holds, to a reader that takes its time") {
  on_shard([](Shard& shard) -> Task<> {
    const std::string text = pattern(1'700'000);
    TemporaryDirectory directory;
    const Descriptor file(::openat(directory.fd(), "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    enum class From : std::uint8_t { memory, local_file, other_file };
    for (const From from : {From::memory, From::local_file, From::other_file}) {
      CAPTURE(static_cast<int>(from));
      Ends ends;
      co_await ends.begin();
      Result<> outcome = fail(Errc::cancelled);
      const auto sender = [&]() -> Task<> {
        outcome =
            from == From::memory
                ? co_await ends.stream.send(bytes_of(text))
                : co_await ends.stream.send_file(
                      {.fd = file.get(), .bytes = text.size(), .local = from == From::local_file});
        co_await ends.stream.announce_end();
        ends.stream.shut_down_sending();
      };
      shard.tasks().adopt(sender());
      co_await sleep_for(20);
      const auto turns = shard.page().turns.get();
      co_await sleep_for(200);
      // A full socket is waited for, and no buffer is held meanwhile.
      CHECK(shard.page().turns.get() - turns < 50);
      CHECK(shard.body_buffers().in_use() == 0);
      const std::string got = co_await ends.peer.receive(text.size());
      CHECK((got == text));
      CHECK(co_await ends.peer.receive() == "");
      CHECK(ends.peer.ended_well);
      CHECK(outcome);
      co_await ends.close();
    }
  });
}

TEST_CASE("tls: a file that has become shorter is an error") {
  on_shard([](Shard&) -> Task<> {
    TemporaryDirectory directory;
    const Descriptor file(::openat(directory.fd(), "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::write(file.get(), "short", 5) == 5);
    Ends ends;
    co_await ends.begin();
    const auto sent = co_await ends.stream.send_file({.fd = file.get(), .bytes = 9});
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::eof);
    co_await ends.close();
  });
}

TEST_CASE("tls: keys may change in the middle") {
  on_shard([](Shard&) -> Task<> {
    Ends ends;
    co_await ends.begin();
    for (unsigned round = 0; round < 5; ++round) {
      CHECK(SSL_key_update(ends.peer.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
      co_await ends.peer.send("question");
      REQUIRE(co_await ends.stream.readable());
      CHECK(text_of(ends.stream.available()) == "question");
      ends.stream.consume(8);
      CHECK(co_await ends.stream.send(bytes_of("answer")));
      CHECK(co_await ends.peer.receive() == "answer");
    }
    co_await ends.close();
  });
}

TEST_CASE("tls: an end without a word is an end; what came before it is not lost") {
  on_shard([](Shard&) -> Task<> {
    Ends ends;
    co_await ends.begin();
    co_await ends.peer.send("first");
    ends.wire.shut_down_sending();
    std::string got(10, '\0');
    const auto count = co_await ends.stream.read(std::as_writable_bytes(std::span(got)));
    REQUIRE(count);
    CHECK(got.substr(0, *count) == "first");
    const auto more = co_await ends.stream.readable();
    CHECK((more && !*more));
    // It can still be answered: a request whose body was cut short, say.
    CHECK(co_await ends.stream.send(bytes_of("answer")));
    CHECK(co_await ends.peer.receive() == "answer");
    co_await ends.close();
  });
}

TEST_CASE("tls: a record that was changed on its way gives no byte, and an alert") {
  on_shard([](Shard&) -> Task<> {
    for (const bool by_read : {false, true}) {
      Ends ends;
      co_await ends.begin();
      CHECK(SSL_write(ends.peer.ssl(), "secret", 6) == 6);
      std::string record = ends.peer.output();
      record.back() = static_cast<char>(record.back() ^ 1);
      CHECK(co_await ends.wire.send(bytes_of(record)));
      Error error{};
      if (by_read) {
        std::byte into[6];
        const auto got = co_await ends.stream.read(into);
        REQUIRE_FALSE(got);
        error = got.error();
      } else {
        const auto more = co_await ends.stream.readable();
        REQUIRE_FALSE(more);
        error = more.error();
      }
      CHECK(error.code == Errc::malformed);
      CHECK(ends.stream.available().empty());
      CHECK_FALSE(co_await ends.stream.readable());
      CHECK_FALSE(co_await ends.stream.send(bytes_of("x")));
      CHECK(co_await ends.peer.receive() == "");
      CHECK_FALSE(ends.peer.ended_well);
      co_await ends.close();
    }
  });
}

TEST_CASE("tls: what is no handshake") {
  on_shard([](Shard& shard) -> Task<> {
    struct Case {
      std::string bytes;
      bool ends;
      Errc code;
    };
    const Case cases[] = {
        {"", true, Errc::eof},
        {"\x16", true, Errc::eof},
        {"\x16\x03\x01\x02\x03" + pattern(100), true, Errc::eof},
        {"\x16\x03\x01" + std::string("\x00\x05", 2) + "abcde", false, Errc::malformed},
        {"\x16" + pattern(5'000), false, Errc::malformed}};
    for (const Case& each : cases) {
      CAPTURE(each.bytes.size());
      Ends ends;
      const Task<> server = ends.secure();
      if (!each.bytes.empty()) CHECK(co_await ends.wire.send(bytes_of(each.bytes)));
      if (each.ends) ends.wire.shut_down_sending();
      while (!server.done()) co_await sleep_for(1);
      REQUIRE_FALSE(ends.secured);
      CHECK(ends.secured.error().code == each.code);
      if (each.code == Errc::malformed) CHECK(std::string_view(ends.stream.tls_reason()) != "");
      co_await ends.close();
    }
    // Clear text stays where it is, and the stream stays clear.
    Ends ends;
    CHECK(co_await ends.wire.send(bytes_of("GET / HTTP/1.1\r\n")));
    co_await ends.secure();
    REQUIRE(ends.secured);
    CHECK_FALSE(*ends.secured);
    CHECK(text_of(ends.stream.available()) == "GET / HTTP/1.1\r\n");
    shard.tasks().adopt(send_and_end(ends.stream, "clear"));
    CHECK(co_await read_all(ends.wire) == "clear");
    co_await ends.close();
  });
}

TEST_CASE("tls: clients that offer only what is not served") {
  on_shard([](Shard&) -> Task<> {
    const PeerOptions wrong[] = {{.protocols = "\x02h2"}, {.version = TLS1_1_VERSION}};
    for (const PeerOptions& options : wrong) {
      Ends ends(options);
      if (options.version == TLS1_1_VERSION) {
        SSL_set_security_level(ends.peer.ssl(), 0);
        SSL_set_cipher_list(ends.peer.ssl(), "ALL");
      }
      const Task<> server = ends.secure();
      CHECK_FALSE(co_await ends.peer.handshake());
      while (!server.done()) co_await sleep_for(1);
      CHECK_FALSE(ends.secured);
      co_await ends.close();
    }
    Ends without({.protocols = ""});
    co_await without.begin();
    co_await without.close();
    Ends both({.protocols = "\x02h2\x08http/1.1"});
    co_await both.begin();
    co_await both.close();
  });
}

TEST_CASE("tls: a handshake that stands still is ended by the deadline") {
  on_shard([](Shard&) -> Task<> {
    Ends ends;
    std::ignore = SSL_do_handshake(ends.peer.ssl());
    const std::string hello = ends.peer.output();
    CHECK(co_await ends.wire.send(bytes_of(hello.substr(0, hello.size() / 2))));
    ends.stream.arm_deadline(30);
    co_await ends.secure();
    CHECK_FALSE(ends.secured);
    CHECK(ends.stream.timed_out());
    co_await ends.close();
  });
}

TEST_CASE("tls: new connections see a new certificate, open ones go on with the old") {
  on_shard([](Shard&) -> Task<> {
    const auto shown = [](const TlsPeer& peer) {
      X509* const one = SSL_get1_peer_certificate(peer.ssl());
      char name[64]{};
      X509_NAME_get_text_by_NID(X509_get_subject_name(one), NID_commonName, name, sizeof name);
      X509_free(one);
      return std::string(name);
    };
    TlsIdentity identity(make_context(server_pair()));
    Ends before;
    before.context = identity.current();
    co_await before.begin();
    identity.replace(make_context(make_pair("next", 2048)));
    Ends after;
    after.context = identity.current();
    co_await after.begin();
    CHECK(shown(before.peer) == "server");
    CHECK(shown(after.peer) == "next");
    before.context = TlsContext();
    for (Ends* const each : {&before, &after}) {
      co_await each->peer.send("still");
      REQUIRE(co_await each->stream.readable());
      CHECK(text_of(each->stream.available()) == "still");
      each->stream.consume(5);
      co_await each->close();
    }
  });
}
