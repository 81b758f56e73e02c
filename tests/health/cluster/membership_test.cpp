// One container's membership against messages made by hand: what is fresh, what counts as later,
// and what it answers to what is said of itself.
#include "health/cluster/membership.h"

#include <doctest/doctest.h>

using namespace millrace::health::cluster;

namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr PeerId self = 1;
constexpr PeerId other = 2;
constexpr PeerId third = 3;

struct Observer {
  Membership membership{self, 5, 7, 1'000'000 * ms};
  std::uint64_t now_ns = 1'000'000 * ms;
  std::uint64_t sequence = 0;

  Observer() {
    const PeerId ids[] = {self, other, third};
    membership.set_containers(ids);
    membership.note_address(other);
    membership.note_address(third);
  }
  void wait(std::uint64_t for_ms) {
    for (std::uint64_t end_ns = now_ns + for_ms * ms; now_ns < end_ns; now_ns += 10 * ms) {
      membership.turn(now_ns);
    }
  }
  Message message(PeerId from, Message::Kind kind, std::uint64_t nonce, std::uint64_t session) {
    return {.kind = kind,
            .from = from,
            .to = self,
            .session = session,
            .sequence = ++sequence,
            .nonce = nonce,
            .subject = 0,
            .generation = 3,
            .claims = {{.subject = from,
                        .run = 1,
                        .standing = Standing::alive,
                        .phase = Phase::active,
                        .address = {}}}};
  }
  // The nonce of a ping to it.
  std::uint64_t pinged(PeerId to) {
    for (int turns = 0; turns < 100; ++turns) {
      for (const auto& out : membership.take_outgoing()) {
        if (out.message.to == to && out.message.kind == Message::Kind::ping) {
          return out.message.nonce;
        }
      }
      wait(10);
    }
    return 0;
  }
  void meet(PeerId peer, std::uint64_t session) {
    REQUIRE(membership.receive(message(peer, Message::Kind::ack, pinged(peer), session), now_ns));
  }
  State state(PeerId id) const { return membership.sight(id, now_ns).state; }
  void learn(Claim claim) { membership.learn(claim, now_ns); }
};

Claim claim_of(PeerId subject, std::uint32_t run, std::uint32_t incarnation, Standing standing) {
  return {.subject = subject,
          .run = run,
          .incarnation = incarnation,
          .standing = standing,
          .phase = Phase::active,
          .address = {}};
}

}  // namespace

TEST_CASE("membership: alone, nothing is sent") {
  Membership alone(1, 1, 7, 1'000'000'000);
  const PeerId only[] = {1};
  alone.set_containers(only);
  for (std::uint64_t at_ms = 1'000; at_ms < 5'000; at_ms += 50) alone.turn(at_ms * ms);
  CHECK(alone.take_outgoing().empty());
}

TEST_CASE("membership: what is recorded and sent again changes nothing") {
  Observer observer;
  // A stranger is answered, but not believed: this may be an old recording.
  Message stranger = observer.message(other, Message::Kind::ping, 99, 1234);
  CHECK_FALSE(observer.membership.receive(stranger, observer.now_ns));
  CHECK(observer.state(other) == State::inactive);
  const auto out = observer.membership.take_outgoing();
  REQUIRE(out.size() == 1);
  CHECK(out[0].message.kind == Message::Kind::ack);
  CHECK(out[0].message.nonce == 99);
  // An answer to a nonce that was never given out.
  CHECK_FALSE(observer.membership.receive(observer.message(other, Message::Kind::ack, 77, 1234),
                                          observer.now_ns));
  observer.meet(other, 1234);
  CHECK(observer.state(other) == State::active);
  // Each sequence once, also late.
  Message early = observer.message(other, Message::Kind::ping, 5, 1234);
  Message late = observer.message(other, Message::Kind::ping, 6, 1234);
  CHECK(observer.membership.receive(late, observer.now_ns));
  CHECK(observer.membership.receive(early, observer.now_ns));
  CHECK_FALSE(observer.membership.receive(late, observer.now_ns));
  CHECK_FALSE(observer.membership.receive(early, observer.now_ns));
  CHECK_FALSE(observer.membership.receive(stranger, observer.now_ns));
  // Of another session, and to somebody else.
  CHECK_FALSE(observer.membership.receive(observer.message(other, Message::Kind::ping, 8, 4321),
                                          observer.now_ns));
  Message astray = observer.message(other, Message::Kind::ping, 9, 1234);
  astray.to = third;
  CHECK_FALSE(observer.membership.receive(astray, observer.now_ns));
}

TEST_CASE("membership: old news neither revives nor kills") {
  Observer observer;
  observer.learn(claim_of(other, 2, 5, Standing::alive));
  CHECK(observer.state(other) == State::active);
  Claim doubt = claim_of(other, 2, 4, Standing::doubted);
  doubt.doubt_age_ms = 60'000;
  observer.learn(doubt);
  observer.wait(100);
  CHECK(observer.state(other) == State::active);
  observer.learn(claim_of(other, 2, 6, Standing::left));
  CHECK(observer.state(other) == State::inactive);
  for (std::uint32_t incarnation = 0; incarnation <= 6; ++incarnation) {
    observer.learn(claim_of(other, 2, incarnation, Standing::alive));
    observer.learn(claim_of(other, 1, 1'000 + incarnation, Standing::alive));
  }
  CHECK(observer.state(other) == State::inactive);
  observer.learn(claim_of(other, 3, 0, Standing::alive));
  CHECK(observer.state(other) == State::active);
}

TEST_CASE("membership: it takes back what others say of it, above everything that they know") {
  Observer observer;
  CHECK(observer.membership.run() == 5);
  observer.learn(claim_of(self, 5, 0, Standing::doubted));
  CHECK(observer.membership.incarnation() == 1);
  observer.learn(claim_of(self, 5, 0, Standing::doubted));
  CHECK(observer.membership.incarnation() == 1);
  observer.learn(claim_of(self, 5, 8, Standing::alive));  // an earlier process of this run
  CHECK(observer.membership.incarnation() == 9);
  observer.learn(claim_of(self, 4, 99, Standing::left));
  CHECK(observer.membership.run() == 5);
  observer.learn(claim_of(self, 7, 2, Standing::doubted));
  CHECK(observer.membership.run() == 8);
  observer.learn(claim_of(self, 8, 0, Standing::left));
  CHECK(observer.membership.run() == 9);
  // Having left, it lets the others think so.
  observer.membership.leave(observer.now_ns);
  const auto incarnation = observer.membership.incarnation();
  observer.learn(claim_of(self, 9, incarnation, Standing::doubted));
  CHECK(observer.membership.incarnation() == incarnation);
}

TEST_CASE("membership: a doubt alone tells nobody inactive while the beat goes on") {
  Observer observer;
  observer.learn(claim_of(other, 1, 0, Standing::alive));
  observer.meet(third, 55);
  observer.learn(claim_of(other, 1, 0, Standing::doubted));
  std::uint32_t counter = 10;
  for (int beats = 0; beats < 10; ++beats) {
    ++counter;
    for (int looks = 0; looks < 2; ++looks) {
      observer.wait(250);
      observer.membership.note_beat_written(1, observer.now_ns);
      observer.membership.observe_beat(
          other, BeatSeen{.run = 1, .incarnation = 0, .counter = counter, .phase = Phase::active},
          observer.now_ns);
      CHECK(observer.state(other) == State::active);
    }
  }
  CHECK(observer.membership.sight(other, observer.now_ns).by_filesystem);
  for (int looks = 0; looks < 8; ++looks) {
    observer.wait(250);
    observer.membership.note_beat_written(1, observer.now_ns);
    observer.membership.observe_beat(other, std::nullopt, observer.now_ns);
  }
  CHECK(observer.state(other) == State::inactive);
}

TEST_CASE("membership: the highest generation that is told of is known") {
  Observer observer;
  observer.meet(other, 55);
  CHECK(observer.membership.generation_heard() == 3);
}
