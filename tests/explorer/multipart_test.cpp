// Multipart assembly: parts written at their places in one file, which Complete
// publishes as it is, although a stalled first attempt may still be writing.
// Proven: after a Complete is acknowledged the object never changes and is exactly
// the listed parts; what a power cut leaves holds every acknowledged part.
// The rule: a writer claims its slot, then looks whether the upload is still
// `open`, and only then writes; Complete first renames `open` away, then reads the
// claims. Either the writer sees the upload closed, or Complete sees the claim.
#include <doctest/doctest.h>

#include "tests/explorer/explorer.h"

namespace millrace::explorer {
namespace {

// Names in the upload's directory; the assembly file is held by descriptor, as by
// a writer that opened it long ago.
constexpr Name open_name = 0;
constexpr Name closed_name = 1;

// Claims and receipts are in two directories of the upload, by part: the model
// has few names.
struct Places {
  Ino upload;
  Ino claims;
  Ino receipts;
  Ino assembly;
};
constexpr Places places{4 + setup_actor * inodes_per_actor, 5 + setup_actor* inodes_per_actor,
                        6 + setup_actor* inodes_per_actor, 7 + setup_actor* inodes_per_actor};
constexpr Name upload_name = 1;  // in the root; the key is name 0
constexpr Name key_name = 0;
constexpr Name claims_name = 2;
constexpr Name receipts_name = 3;

struct Protocol {
  bool looks_after_claim = true;   // the writer, whether `open` is still there
  bool closes_first = true;        // Complete, before it reads the claims
  bool counts_claims = true;       // every claim must have its slot's receipt
  bool marks_closed_only = false;  // a mark `closed` that clean-up removes, no `open`
  bool claims_exclusively = true;
  bool syncs_data = true;
  bool syncs_receipt = true;
};

// An object's value from its cells: part one, part two, and whether a third.
int value_of(int one, int two, int three) {
  if (one == torn || two == torn || three == torn) return torn;
  return one * 10 + two + (three != 0 ? 60 : 0);
}

bool is_open(Context& c, const Protocol& p) {
  if (p.marks_closed_only) return c.lookup(places.upload, closed_name) == no_ino;
  return c.lookup(places.upload, open_name) != no_ino;
}

// A receipt is a file that says what was stored (cell 0) and where (cell 1).
void give_receipt(Context& c, const Protocol& p, int part, int value, Ino where) {
  const Ino receipt = c.fresh();
  c.step("write receipt", [&](World& w) {
    w.tree.create_file(receipt);
    w.tree.write(receipt, 0, static_cast<std::int8_t>(value));
    w.tree.write(receipt, 1, static_cast<std::int8_t>(where));
    w.tree.sync_file(receipt);
    return 0;
  });
  c.link(receipt, staging, c.temp());
  c.rename(staging, c.temp(), places.receipts, static_cast<Name>(part));  // the newest counts
  if (p.syncs_receipt) c.sync_dir(places.receipts);
}

// One attempt at a part. ghost: which of the clients' notes says that it was
// acknowledged, or -1.
void write_part(Context& c, const Protocol& p, int part, int value, int ghost) {
  if (!is_open(c, p)) return;
  const Ino claim = c.fresh();
  c.step("prepare", [&](World& w) {
    w.tree.create_file(claim);
    return 0;
  });
  const int claimed = c.link(claim, places.claims, static_cast<Name>(part));
  if (claimed == ENOENT) return;
  Ino into = places.assembly;
  if (claimed == EEXIST && p.claims_exclusively) {
    into = c.fresh();
    c.step("own file", [&](World& w) {
      w.tree.create_file(into);
      return 0;
    });
  } else if (p.looks_after_claim && !is_open(c, p)) {
    return;
  }
  c.step("write part", [&](World& w) {
    w.tree.write(into, part, static_cast<std::int8_t>(value));
    return 0;
  });
  if (p.syncs_data) {
    c.step("fsync part", [&](World& w) {
      w.tree.sync_file(into);
      return 0;
    });
  }
  give_receipt(c, p, part, value, into);
  c.note([&](World& w) {
    if (ghost >= 0) w.ghosts[ghost] = static_cast<std::int8_t>(value);
  });
}

struct Receipt {
  int value = 0;
  Ino where = no_ino;
};

Receipt receipt_of(Context& c, int part) {
  const Ino receipt = c.lookup(places.receipts, static_cast<Name>(part));
  if (receipt == no_ino) return {};
  return {c.read(receipt, 0), static_cast<Ino>(c.read(receipt, 1))};
}

// Complete of parts 0 and 1 with these ETags; 0: whatever the client was told.
void complete(Context& c, const Protocol& p, int one, int two) {
  c.begin(OpKind::put, 0, value_of(one, two, 0));
  if (p.marks_closed_only) {
    const Ino mark = c.fresh();
    c.step("prepare", [&](World& w) {
      w.tree.create_file(mark);
      return 0;
    });
    c.link(mark, places.upload, closed_name);
  } else if (p.closes_first) {
    if (c.rename(places.upload, open_name, places.upload, closed_name) != 0) return;
  }
  const Receipt first = receipt_of(c, 0);
  const Receipt second = receipt_of(c, 1);
  if (first.value != one || second.value != two) {  // InvalidPart: may be tried again
    if (p.closes_first) c.rename(places.upload, closed_name, places.upload, open_name);
    c.note([](World& w) {
      for (Op& op : w.ops) {
        if (op.kind == OpKind::put && op.state == OpState::open) op = Op{.state = OpState::dropped};
      }
    });
    return;
  }
  bool whole = first.where == places.assembly && second.where == places.assembly;
  for (int part = 0; part < cells_max && p.counts_claims && whole; ++part) {
    if (c.lookup(places.claims, static_cast<Name>(part)) == no_ino) continue;
    whole = part < 2 && receipt_of(c, part).where == places.assembly;
  }
  Ino object = places.assembly;
  if (!whole) {
    object = c.fresh();
    c.step("copy", [&](World& w) {
      w.tree.create_file(object);
      w.tree.write(object, 0, w.tree.read(first.where, 0));
      w.tree.write(object, 1, w.tree.read(second.where, 1));
      w.tree.sync_file(object);
      return 0;
    });
  }
  c.link(object, root, key_name);
  if (!p.closes_first && !p.marks_closed_only) c.unlink(places.upload, open_name);
  c.sync_dir(root);
  c.answer();
  // Clean-up, in an order that would harm if `open` were not what counts.
  if (p.marks_closed_only || p.closes_first) c.unlink(places.upload, closed_name);
  for (int part = 0; part < 2; ++part) c.unlink(places.claims, static_cast<Name>(part));
}

int read(Context& c) {
  const Ino file = c.lookup(root, key_name);
  if (file == no_ino) return 0;
  const int one = c.read(file, 0);
  const int two = c.read(file, 1);
  return value_of(one, two, c.read(file, 2));
}

Scenario with(const Protocol& p, bool first_too) {
  Scenario s;
  s.before([p, first_too](Context& c) {
    for (const Name name : {upload_name, claims_name, receipts_name}) {
      c.mkdir(c.fresh(), name == upload_name ? root : places.upload, name);
    }
    const Ino assembly = c.fresh();
    const Ino token = c.fresh();
    c.step("create", [&](World& w) {
      w.tree.create_file(assembly);
      w.tree.create_file(token);
      // Earlier attempts, long done: claim and receipt of part 1 (and 0).
      for (int part = first_too ? 0 : 1; part < 2; ++part) {
        w.tree.write(assembly, part, static_cast<std::int8_t>(part == 0 ? 1 : 5));
        w.tree.link(token, places.claims, static_cast<Name>(part));
      }
      w.tree.sync_file(assembly);
      return 0;
    });
    if (!p.marks_closed_only) c.link(token, places.upload, open_name);
    const Ino receipt = c.fresh();
    c.step("receipts", [&](World& w) {
      w.tree.create_file(receipt);
      w.tree.write(receipt, 0, 5);
      w.tree.write(receipt, 1, static_cast<std::int8_t>(assembly));
      w.tree.sync_file(receipt);
      return w.tree.link(receipt, places.receipts, 1);
    });
  });
  s.reader(1, [](Context& c, int) { return read(c); });
  return s;
}

// The client completes with the attempt at part 0 that it was told of; a late
// attempt at the same part stalls anywhere.
Report resent(const Protocol& p, bool twice) {
  Scenario s = with(p, false);
  s.actor([p](Context& c) { write_part(c, p, 0, 1, 0); });
  s.actor([p](Context& c) { write_part(c, p, 0, 2, 1); });
  s.actor([p, twice](Context& c) {
    const int told = c.step("client hears", [](World& w) {
      return w.ghosts[1] != 0 ? 2 : w.ghosts[0] != 0 ? 1 : Context::blocked;
    });
    complete(c, p, told, 5);
    if (twice) complete(c, p, 1, 5);  // after an InvalidPart the upload is open again
  });
  return explore(s);
}

// A writer of a part that Complete doesn't list, before or in its claim.
Report unlisted(const Protocol& p) {
  Scenario s = with(p, false);
  s.actor([p](Context& c) {
    write_part(c, p, 0, 1, 0);
    c.step("client sends", [](World&) { return 0; });
    complete(c, p, 1, 5);
  });
  s.actor([p](Context& c) { write_part(c, p, 2, 3, -1); });
  s.actor([](Context& c) {
    c.begin(OpKind::read, 0);
    c.answer_read(read(c));
  });
  return explore(s);
}

// After a power cut each part that was acknowledged can be read: the only GET of
// this scenario reads part 0 through its receipt.
Report durable_part(const Protocol& p) {
  Scenario s = with(p, false);
  s.actor([p](Context& c) {
    c.begin(OpKind::put, 0, 1);
    write_part(c, p, 0, 1, 0);
    c.answer();
  });
  s.reader(1, [](Context& c, int) {
    const Receipt receipt = receipt_of(c, 0);
    return receipt.where == no_ino ? 0 : c.read(receipt.where, 0);
  });
  return explore(s);
}

void check_holds(const Report& report) {
  INFO(report.what);
  CHECK_FALSE(report.violated);
  CHECK(report.ends > 10);
}

}  // namespace

TEST_CASE("multipart: a stalled writer never reaches a published object") {
  check_holds(resent({}, false));
  check_holds(resent({}, true));
  check_holds(unlisted({}));
  check_holds(durable_part({}));
}

TEST_CASE("multipart: each broken variant is caught") {
  CHECK(unlisted({.looks_after_claim = false}).violated);
  CHECK(unlisted({.closes_first = false}).violated);
  CHECK(unlisted({.counts_claims = false}).violated);
  CHECK(unlisted({.marks_closed_only = true}).violated);
  CHECK(resent({.claims_exclusively = false}, false).violated);
  CHECK(durable_part({.syncs_data = false}).violated);
  CHECK(durable_part({.syncs_receipt = false}).violated);
}

}  // namespace millrace::explorer
