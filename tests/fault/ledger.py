"""What clients know of their writes: for each key the last acknowledged state, and those that
were asked for since and never answered. A server that keeps its promises shows, after any crash,
one of these, whole. Each key has one writer, so its states have an order."""

import dataclasses
import hashlib
import http.client
import random
import threading
import xml.etree.ElementTree as ElementTree

import raw

KIB, MIB = 1 << 10, 1 << 20
PART_MIN = 5 * MIB
# Bodies are cut out of one block of noise, behind a serial number that makes each its own.
NOISE = random.Random(20260101).randbytes(16 * MIB)
LIST_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Unanswered(Exception):
    """The connection ended, or a 5xx: nothing is known of what the server did."""


@dataclasses.dataclass(frozen=True)
class State:
    """Of a key: an object, or with etag None its absence."""
    etag: str | None = None
    md5: str | None = None
    size: int = 0


ABSENT = State()


def body_of(serial, size):
    head = f"{serial:015d}\n".encode()
    offset = serial * 4099 % (len(NOISE) - size) if size < len(NOISE) else 0
    return (head + NOISE[offset:offset + max(0, size - len(head))])[:size]


def whole(body):
    digest = hashlib.md5(body).hexdigest()
    return State(digest, digest, len(body))


def in_parts(parts):
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return State(f"{hashlib.md5(digests).hexdigest()}-{len(parts)}",
                 hashlib.md5(b"".join(parts)).hexdigest(), sum(map(len, parts)))


class Wire:
    """Signed requests; what tells nothing of the outcome is Unanswered."""

    def __init__(self, server):
        self.client = raw.Client(server.endpoint, server.access_key, server.secret_key)

    def ask(self, method, path, query=(), body=b"", expect=(200,)):
        try:
            answer = self.client.request(method, path, query, {}, body,
                                         payload="UNSIGNED-PAYLOAD")
        except (OSError, http.client.HTTPException) as failure:
            raise Unanswered(repr(failure)) from failure
        if answer.status >= 500:
            raise Unanswered(f"{answer.status} {answer.body[:200]}")
        assert answer.status in expect, f"{method} {path}: {answer.status} {answer.body[:300]}"
        return answer

    def put(self, bucket, key, body):
        answer = self.ask("PUT", raw.key_path(bucket, key), body=body)
        return answer.headers["ETag"].strip('"')

    def delete(self, bucket, key):
        self.ask("DELETE", raw.key_path(bucket, key), expect=(204,))

    def put_in_parts(self, bucket, key, parts):
        path = raw.key_path(bucket, key)
        upload = self.ask("POST", path, [("uploads", "")]).xml().findtext("UploadId")
        tags = []
        for number, part in enumerate(parts, 1):
            query = [("partNumber", str(number)), ("uploadId", upload)]
            tags.append((number, self.ask("PUT", path, query, part).headers["ETag"]))
        listed = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
                         for number, tag in tags)
        document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        tree = self.ask("POST", path, [("uploadId", upload)], document).xml()
        if tree.tag != "CompleteMultipartUploadResult":  # an error below a status of 200
            raise Unanswered(ElementTree.tostring(tree, encoding="unicode"))
        return tree.findtext("ETag").strip('"')

    def listing(self, bucket):
        """{key: (etag, size)} of all pages."""
        found, token = {}, None
        while True:
            query = [("list-type", "2"), ("max-keys", "100")]
            query += [("continuation-token", token)] if token else []
            tree = self.ask("GET", f"/{bucket}", query).xml()
            for item in tree.iter("Contents"):
                found[item.findtext("Key")] = (item.findtext("ETag").strip('"'),
                                               int(item.findtext("Size")))
            token = tree.findtext("NextContinuationToken")
            if not token:
                return found


class Ledger:
    """All keys of one bucket. Threads use it at once, each for keys of its own."""

    def __init__(self, bucket):
        self.bucket = bucket
        self.acknowledged = {}  # key -> State
        self.open = {}  # key -> [State], newest last
        self.shown = {}  # key -> {State} that ever was acknowledged or asked for
        self.acks = 0
        self.mutex = threading.Lock()
        self.serial = 0

    def new_body(self, size):
        with self.mutex:
            self.serial += 1
            return body_of(self.serial, size)

    def expect(self, key, state, act):
        """Runs `act`, which should bring `key` to `state`; act's answer is its ETag, or None."""
        with self.mutex:
            self.open.setdefault(key, []).append(state)
            self.shown.setdefault(key, {ABSENT}).add(state)
        etag = act()
        assert etag is None or etag == state.etag, f"{key}: ETag {etag}, not {state.etag}"
        with self.mutex:
            self.acknowledged[key] = state
            self.open[key] = []
            self.acks += 1

    def put(self, wire, key, size):
        body = self.new_body(size)
        self.expect(key, whole(body), lambda: wire.put(self.bucket, key, body))

    def put_in_parts(self, wire, key, sizes):
        parts = [self.new_body(size) for size in sizes]
        self.expect(key, in_parts(parts),
                    lambda: wire.put_in_parts(self.bucket, key, parts))

    def delete(self, wire, key):
        self.expect(key, ABSENT, lambda: wire.delete(self.bucket, key))

    def allowed(self, key, names_may_be_lost):
        if names_may_be_lost:
            return self.shown.get(key, {ABSENT})
        return {self.acknowledged.get(key, ABSENT), *self.open.get(key, ())}

    def check(self, wire, names_may_be_lost=False):
        """Every key's state is one that it may have, GET and listing agree, nothing else is
        there. What is seen becomes the acknowledged state. Returns {key: State} of what is."""
        listed = wire.listing(self.bucket)
        unknown = set(listed) - set(self.shown)
        assert not unknown, f"keys that nobody wrote: {sorted(unknown)}"
        present = {}
        for key in sorted(self.shown):
            state = self.seen(wire, key)
            allowed = self.allowed(key, names_may_be_lost)
            assert state in allowed, (
                f"{key} is {state}; acknowledged {self.acknowledged.get(key)}, "
                f"unanswered {self.open.get(key)}")
            in_list = listed.get(key)
            assert in_list == ((state.etag, state.size) if state != ABSENT else None), (
                f"{key}: GET shows {state}, the listing {in_list}")
            self.acknowledged[key], self.open[key] = state, []
            if state != ABSENT:
                present[key] = state
        return present

    def seen(self, wire, key):
        answer = wire.ask("GET", raw.key_path(self.bucket, key), expect=(200, 404))
        if answer.status == 404:
            assert answer.code == "NoSuchKey", answer.body
            return ABSENT
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        return State(answer.headers["ETag"].strip('"'), hashlib.md5(answer.body).hexdigest(),
                     len(answer.body))
