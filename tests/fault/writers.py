"""Writers that keep a server busy until it goes away, and the check of all that they were told.

Each writer owns the keys below its own prefix: objects that are overwritten, one that is uploaded
in parts, new ones in new directories, a key that is by turns an object, a directory of others and
both, and deletes of all of these. One more writer makes and removes buckets."""

import contextlib
import random
import threading
import time

import ledger
import raw
from ledger import KIB, MIB, Unanswered

BUCKET = "ledger"
SIZES = ((0, 1 * KIB), (1 * KIB, 64 * KIB), (64 * KIB, 2 * MIB), (2 * MIB, 12 * MIB))
SIZE_WEIGHTS = (25, 50, 18, 7)


class Writer:
    def __init__(self, number, book, seed):
        self.prefix = f"w{number}"
        self.book = book
        self.random = random.Random(seed)
        self.deep = []
        self.made = 0

    def size(self):
        low, high = self.random.choices(SIZES, SIZE_WEIGHTS)[0]
        return self.random.randint(low, high)

    def step(self, wire):
        act = self.random.choices(
            (self.overwrite, self.upload, self.remove, self.new_directory, self.convert),
            (45, 8, 12, 15, 20))[0]
        act(wire)

    def plain_key(self):
        return f"{self.prefix}/plain-{self.random.randrange(5)}"

    def overwrite(self, wire):
        self.book.put(wire, self.plain_key(), self.size())

    def upload(self, wire):
        last = self.random.randint(1, 7 * MIB)
        self.book.put_in_parts(wire, f"{self.prefix}/uploaded", [ledger.PART_MIN, last])

    def remove(self, wire):
        if self.deep and self.random.random() < 0.5:
            return self.book.delete(wire, self.deep.pop(self.random.randrange(len(self.deep))))
        return self.book.delete(wire, self.plain_key())

    def new_directory(self, wire):
        self.made += 1
        key = f"{self.prefix}/deep/{self.made % 7}/{self.random.randrange(10 ** 9)}/leaf"
        self.deep.append(key)
        self.book.put(wire, key, self.random.randint(0, 20 * KIB))

    def convert(self, wire):
        key = self.random.choice((f"{self.prefix}/turn", f"{self.prefix}/turn/inner"))
        if self.random.random() < 0.6:
            self.book.put(wire, key, self.random.randint(0, 20 * KIB))
        else:
            self.book.delete(wire, key)


class BucketWriter:
    """CreateBucket and DeleteBucket; a bucket's `State` is only there or not."""

    THERE = ledger.State(etag="there")

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.book = ledger.Ledger("")

    def step(self, wire):
        name = f"bucket-{self.random.randrange(8)}"
        if self.book.acknowledged.get(name, ledger.ABSENT) == ledger.ABSENT:
            self.book.expect(name, self.THERE, lambda: self.told(wire, "PUT", name, 200))
        else:
            self.book.expect(name, ledger.ABSENT, lambda: self.told(wire, "DELETE", name, 204))
        time.sleep(0.01)

    @staticmethod
    def told(wire, method, name, status):
        wire.ask(method, f"/{name}", expect=(status,))

    def check(self, wire, names_may_be_lost):
        for name in sorted(self.book.shown):
            status = wire.ask("HEAD", f"/{name}", expect=(200, 404)).status
            state = self.THERE if status == 200 else ledger.ABSENT
            assert state in self.book.allowed(name, names_may_be_lost), (
                f"bucket {name} is {state}; acknowledged {self.book.acknowledged.get(name)}")
            self.book.acknowledged[name], self.book.open[name] = state, []


class Crowd:
    """`count` writers and a writer of buckets, over all restarts of one data directory."""

    def __init__(self, count, seed):
        self.book = ledger.Ledger(BUCKET)
        self.writers = [Writer(n, self.book, f"{seed}/{n}") for n in range(count)]
        self.buckets = BucketWriter(f"{seed}/buckets")
        self.failures = []
        self.stopping = threading.Event()

    @contextlib.contextmanager
    def at_work(self, server):
        """The body runs while all write; it is over when each of them has lost the server, or
        when the body is."""
        self.stopping.clear()
        threads = [threading.Thread(target=self.run, args=(each, ledger.Wire(server)))
                   for each in (*self.writers, self.buckets)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stopping.set()
            for thread in threads:
                thread.join(90)
        assert not any(thread.is_alive() for thread in threads), "a request hangs"
        assert not self.failures, self.failures[0]

    def run(self, writer, wire):
        try:
            while not self.stopping.is_set():
                writer.step(wire)
        except Unanswered:
            pass
        except Exception as failure:  # it is raised in the thread of the test
            self.failures.append(failure)

    def wait_for(self, acks):
        """Until so many more writes are acknowledged."""
        goal, deadline = self.book.acks + acks, time.monotonic() + 60
        while self.book.acks < goal and not self.failures:
            assert time.monotonic() < deadline, f"{self.book.acks} of {goal} in 60 s"
            time.sleep(0.002)

    def check(self, server, names_may_be_lost=False):
        """All that was acknowledged is there, and only whole objects: by GET, by listing, and
        as plain files."""
        wire = ledger.Wire(server)
        present = self.book.check(wire, names_may_be_lost)
        for key, state in present.items():
            path = server.data / BUCKET / key
            path = path / ".mr.f" if path.is_dir() else path
            assert ledger.whole(path.read_bytes()).md5 == state.md5, f"{path} is not the object"
        self.buckets.check(wire, names_may_be_lost)
        abort_uploads(wire)
        wait_for_no_leftovers(server.data / BUCKET)
        return present


def abort_uploads(wire):
    tree = wire.ask("GET", f"/{BUCKET}", [("uploads", "")]).xml()
    for upload in tree.iter("Upload"):
        wire.ask("DELETE", raw.key_path(BUCKET, upload.findtext("Key")),
                 [("uploadId", upload.findtext("UploadId"))], expect=(204,))


def wait_for_no_leftovers(bucket):
    """What a dead process left in staging/ goes soon after the next start."""
    staging = bucket / ".mr.sys" / "staging"
    deadline = time.monotonic() + 5
    while staging.exists() and any(staging.iterdir()):
        assert time.monotonic() < deadline, sorted(entry.name for entry in staging.iterdir())
        time.sleep(0.02)
