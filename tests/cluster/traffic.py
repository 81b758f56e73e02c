"""Clients that put, get, delete and upload in parts over connections they keep, and repeat nothing:
every answer that is not the right one, and every connection that fails, is a failed request."""

import contextlib
import hashlib
import http.client
import random
import threading
import time

import raw

BUCKET = "traffic"
TIMEOUT_S = 30
SMALL = 40_000
PART = 5 << 20
NOISE = random.Random(7).randbytes(PART + SMALL)


class Failed(Exception):
    """One request; the text says what came of it."""


class Worker(threading.Thread):
    """One client with keys of its own, so it knows what each of them must be. `retries` of a
    request, each over a connection of its own, are what SDKs do; 0 here, unless said otherwise."""

    def __init__(self, endpoint, keys, number, retries=0):
        super().__init__(daemon=True)
        self.client = raw.Client(endpoint, *keys)
        self.number, self.retries = number, retries
        self.random = random.Random(number)
        self.connection = None
        self.objects = {}  # key -> MD5 of what it must be
        self.done, self.failures, self.repeated = {}, [], 0
        self.stopping = threading.Event()
        self.began = time.monotonic()

    def once(self, method, path, query, body, wanted):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.client.host, timeout=TIMEOUT_S)
        headers = self.client.signed_headers(method, path, query, {"Content-Length": len(body)},
                                             body)
        try:
            self.connection.request(method, self.client.target(path, query), body or None, headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.leave()
            raise Failed(f"{method} {path}: {error!r}") from error
        if answer.will_close:
            self.leave()
        if answer.status != wanted:
            raise Failed(f"{method} {path}: {answer.status} {content[:300]}")
        return answer, content

    def ask(self, method, path, query=(), body=b"", wanted=200):
        for left in range(self.retries, -1, -1):
            try:
                answer = self.once(method, path, list(query), body, wanted)
                self.done[method] = self.done.get(method, 0) + 1
                return answer
            except Failed as failed:
                if left == 0:
                    self.failures.append(f"{time.monotonic() - self.began:.2f} s: {failed}")
                    raise
                self.repeated += 1
                time.sleep(0.1 * 2 ** (self.retries - left))

    def leave(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def body(self, size):
        at = self.random.randrange(len(NOISE) - size + 1)
        return NOISE[at:at + size]

    def put(self, key):
        body = self.body(self.random.randrange(1, SMALL))
        self.objects.pop(key, None)  # unknown until it is answered
        self.ask("PUT", raw.key_path(BUCKET, key), body=body)
        self.objects[key] = hashlib.md5(body).digest()

    def get(self, key):
        if key in self.objects:
            _, content = self.ask("GET", raw.key_path(BUCKET, key))
            if hashlib.md5(content).digest() != self.objects[key]:
                self.failures.append(f"GET {key}: other bytes than were put")

    def head(self, key):
        if key in self.objects:
            self.ask("HEAD", raw.key_path(BUCKET, key))

    def delete(self, key):
        self.objects.pop(key, None)
        self.ask("DELETE", raw.key_path(BUCKET, key), wanted=204)

    def upload(self, key):
        self.objects.pop(key, None)
        path = raw.key_path(BUCKET, key)
        answer, content = self.ask("POST", path, [("uploads", "")])
        upload = raw.Answer(answer.status, answer.headers, content).xml().findtext("UploadId")
        tags, bodies = [], [self.body(PART), self.body(100)]
        for number, body in enumerate(bodies, 1):
            answer, _ = self.ask("PUT", path, [("partNumber", str(number)), ("uploadId", upload)],
                                 body)
            tags.append(answer.headers["ETag"])
        parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>"
                        for n, tag in enumerate(tags, 1))
        self.ask("POST", path, [("uploadId", upload)],
                 f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode())
        self.objects[key] = hashlib.md5(b"".join(bodies)).digest()

    def run(self):
        steps = [self.put] * 8 + [self.get] * 8 + [self.head] * 3 + [self.delete] * 2 + [self.upload]
        while not self.stopping.is_set():
            key = f"w{self.number}/key-{self.random.randrange(8)}"
            with contextlib.suppress(Failed):
                self.random.choice(steps)(key)
            self.stopping.wait(0.005)  # two processors serve all of this
        self.leave()


@contextlib.contextmanager
def traffic(endpoint, keys, count, retries=0):
    """`count` workers; at the end they have stopped, and each object is what it must be."""
    workers = [Worker(endpoint, keys, number, retries) for number in range(count)]
    try:
        for worker in workers:
            worker.start()
        yield workers
    finally:
        for worker in workers:
            worker.stopping.set()
        for worker in workers:
            worker.join(2 * TIMEOUT_S)
    for worker in workers:
        for key in list(worker.objects):
            with contextlib.suppress(Failed):
                worker.get(key)
        worker.leave()


def failures(workers):
    return [failure for worker in workers for failure in worker.failures]


def answered(workers):
    """Method -> how many."""
    total = {}
    for worker in workers:
        for method, count in worker.done.items():
            total[method] = total.get(method, 0) + count
    return total
