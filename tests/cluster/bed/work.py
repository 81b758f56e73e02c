"""Clients at work on the bed, and a ledger of what they were told. A client retries as the SDKs do:
an error of the network, 500 or 503 is tried again, with growing pauses."""

import collections
import dataclasses
import http.client
import itertools
import random
import threading
import time

import raw

from .containers import KEYS

BUCKET = "bed"
RETRIED = (500, 502, 503, 504)


class Client(raw.Client):
    """Tries an idempotent request `attempts` times (boto3: five)."""

    timeout_s = 60

    def __init__(self, address, attempts=5):
        super().__init__(address, *KEYS)
        self.attempts, self.unanswered = attempts, 0

    def ask(self, method, path, body=b"", query=(), headers=()):
        """The answer to the last attempt; None where there was none."""
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(random.uniform(0.5, 1) * min(0.3 * 2 ** attempt, 5))
            try:
                answer = self.request(method, path, body=body, query=query, headers=headers)
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
                answer = None
            if answer is not None and answer.status not in RETRIED:
                break
        return answer


@dataclasses.dataclass
class Entry:
    """What a key may hold: what was acknowledged last, and what was asked for since without a
    last word. None: nothing."""
    acknowledged: bytes | None = None
    open: list = dataclasses.field(default_factory=list)


class Load:
    """Threads that write, read and delete keys of their own until they are told to stop. What each
    reads must be what it was last told."""

    made = itertools.count()  # each has keys of its own

    def __init__(self, bed, addresses, threads=4, keys=12):
        self.bed, self.ledger, self.number = bed, {}, next(self.made)
        self.counts, self.faults = collections.Counter(), []
        self.ending = threading.Event()
        self.threads = [bed.switch.thread(self._run, number, addresses, keys)
                        for number in range(threads)]

    def _run(self, number, addresses, keys):
        clients = [Client(address) for address in addresses]
        chance = random.Random(number)
        turn = 0
        while not self.ending.is_set():
            turn += 1
            path = f"/{BUCKET}/load-{self.number}-{number}/{chance.randrange(keys)}"
            entry = self.ledger.setdefault(path, Entry())
            client = chance.choice(clients)
            what = chance.random()
            if what < 0.5:
                body = b"%d.%d " % (number, turn) + bytes(chance.choice((10, 4000, 60_000)))
                self._change(client, "PUT", path, body, entry)
            elif what < 0.6:
                self._change(client, "DELETE", path, None, entry)
            else:
                self._read(client, path, entry)
        self.counts["unanswered"] += sum(client.unanswered for client in clients)

    def _change(self, client, method, path, body, entry):
        before = client.unanswered
        answer = client.ask(method, path, body or b"")
        if answer is not None and answer.status in (200, 204):
            # An attempt without an answer may still be done later: by a stopped container.
            if client.unanswered > before:
                entry.open = [*entry.open, entry.acknowledged, body]
            entry.acknowledged = body
            self.counts["acknowledged"] += 1
        else:
            entry.open = [*entry.open, body]
            self.counts["failed"] += 1
            self.faults.append(f"{method} {path}: {answer and (answer.status, answer.body[:200])}")

    def _read(self, client, path, entry):
        answer = client.ask("GET", path)
        if answer is None or answer.status not in (200, 404):
            self.counts["failed"] += 1
            self.faults.append(f"GET {path}: {answer and (answer.status, answer.body[:200])}")
            return
        self.check(path, entry, answer)

    def check(self, path, entry, answer):
        self.counts["checks"] += 1
        seen = answer.body if answer.status == 200 else None
        if seen == entry.acknowledged:
            return
        # Unlike the SDKs' users, this one knows which of its own attempts are still open.
        kind = "late" if seen in entry.open else "stale or lost"
        self.counts[kind] += 1
        if kind != "late":
            self.faults.append(f"{kind}: {path} is {seen and seen[:20]!r}, not "
                               f"{entry.acknowledged and entry.acknowledged[:20]!r}")

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(300)
            assert not thread.is_alive()
        return self

    def check_all(self, addresses):
        """What every container says of every key, when the work is done. Inside the switch."""
        for address in addresses:
            client = Client(address)
            for path, entry in self.ledger.items():
                answer = client.ask("GET", path)
                if answer is None or answer.status not in (200, 404):
                    self.counts["failed"] += 1
                    self.faults.append(f"GET {path} of {address}: {answer and answer.status}")
                else:
                    self.check(path, entry, answer)
        return self
