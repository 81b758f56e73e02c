"""S3 as its documentation has it, in memory: what a server must answer to each operation of
sequences.py. One bucket state and one method an operation; an answer is a dict of just what
wire.py reads from the server's, so that the two can be compared as they are. Nothing here knows
how Millrace works: where AWS leaves room, s3/README.md ("Decisions") says what is expected."""

import contextlib
import dataclasses
import functools
import hashlib
import re

KEY_BYTES_MAX = 1024
PART_BYTES_MIN = 5 * 1024 * 1024
DEFAULT_TYPE = "binary/octet-stream"
PATTERN = bytes(range(251))


@functools.lru_cache(maxsize=64)
def body_of(size, salt):
    """The bytes that a sequence names by two numbers; salts give different ones of one size."""
    turned = PATTERN[salt:] + PATTERN[:salt]
    return (turned * (size // len(turned) + 1))[:size]


@functools.lru_cache(maxsize=256)
def md5(data):
    return hashlib.md5(data).hexdigest()


class Refused(Exception):
    """The answer is this error."""

    def __init__(self, status, code):
        super().__init__(code)
        self.answer = {"status": status, "code": code}


@dataclasses.dataclass
class Object:
    body: bytes
    etag: str
    fields: dict
    meta: dict
    tags: dict
    part_sizes: tuple = ()
    appended: bool = False


@dataclasses.dataclass
class Upload:
    key: str
    fields: dict
    meta: dict
    tags: dict
    parts: dict = dataclasses.field(default_factory=dict)
    etag: str = ""  # of the object that it became


@dataclasses.dataclass
class Bucket:
    objects: dict = dataclasses.field(default_factory=dict)
    uploads: dict = dataclasses.field(default_factory=dict)  # by slot, in the order of creation
    completed: dict = dataclasses.field(default_factory=dict)  # uploads that are objects, by slot


def order(key):
    """S3 sorts by the bytes of UTF-8."""
    return key.encode()


def roll_up(keys, prefix, delimiter, start):
    """What a listing of sorted `keys` shows behind `start`: ("key" or "prefix", name)."""
    items, last = [], None
    for key in keys:
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        if at < 0:
            if order(key) > order(start):
                items.append(("key", key))
            continue
        common = key[: at + len(delimiter)]
        if common != last and order(common) > order(start) and not start.startswith(common):
            items.append(("prefix", common))
        last = common
    return items


def in_pages(items, size):
    """(items, truncated) of each page."""
    if size == 0:
        return [([], False)]
    pages = [items[at: at + size] for at in range(0, len(items), size)] or [[]]
    return [(page, number + 1 < len(pages)) for number, page in enumerate(pages)]


def parse_range(text, size):
    """(first, end) of the bytes, None for the whole; raises where none can be had."""
    unit, _, spec = text.partition("=")
    if unit != "bytes" or "," in spec or "-" not in spec:
        return None
    first, _, last = spec.partition("-")
    with contextlib.suppress(ValueError):
        if not first:
            length = int(last)
            if length == 0 or size == 0:
                raise Refused(416, "InvalidRange")
            return max(0, size - length), size
        if last and int(last) < int(first):
            return None
        if int(first) >= size:
            raise Refused(416, "InvalidRange")
        return int(first), min(size, int(last) + 1) if last else size
    return None


def matches(wanted, etag):
    return wanted == "*" or etag in [one.strip().strip('"') for one in wanted.split(",")]


class Model:
    """Answers to operations; `resolve` first replaces what an operation says of the state."""

    def __init__(self):
        self.buckets = {}
        self.walked = None  # what the last page of a walk ended with, while there is more

    def answer(self, op):
        try:
            return getattr(self, op["op"])(op)
        except Refused as refused:
            return refused.answer

    def bucket(self, op, name="bucket"):
        if op[name] not in self.buckets:
            raise Refused(404, "NoSuchBucket")
        return self.buckets[op[name]]

    @staticmethod
    def check_key(key):
        if len(order(key)) > KEY_BYTES_MAX:
            raise Refused(400, "KeyTooLongError")

    def object(self, op):
        self.check_key(op["key"])
        found = self.bucket(op).objects.get(op["key"])
        if found is None:
            raise Refused(404, "NoSuchKey")
        return found

    def source(self, op):
        if len(order(op["from_key"])) > KEY_BYTES_MAX:
            raise Refused(400, "InvalidArgument")
        found = self.bucket(op, "from_bucket").objects.get(op["from_key"])
        if found is None:
            raise Refused(404, "NoSuchKey")
        return found

    def upload(self, op):
        self.check_key(op["key"])
        found = self.bucket(op).uploads.get(op["slot"])
        if found is None or found.key != op["key"]:
            raise Refused(404, "NoSuchUpload")
        return found

    # Buckets

    def create_bucket(self, op):
        self.buckets.setdefault(op["bucket"], Bucket())
        return {"status": 200}

    def delete_bucket(self, op):
        if self.bucket(op).objects:
            raise Refused(409, "BucketNotEmpty")
        del self.buckets[op["bucket"]]
        return {"status": 204}

    def head_bucket(self, op):
        return {"status": 200 if op["bucket"] in self.buckets else 404}

    def list_buckets(self, _op):
        return {"status": 200, "buckets": sorted(self.buckets)}

    # Objects

    def check_write(self, bucket, key, op):
        """If-Match and If-None-Match of a write."""
        found = bucket.objects.get(key)
        if op.get("if_none_match") == "*" and found:
            raise Refused(412, "PreconditionFailed")
        if "if_match" in op:
            if found is None:
                raise Refused(404, "NoSuchKey")
            if not matches(op["if_match"], found.etag):
                raise Refused(412, "PreconditionFailed")

    def put(self, op):
        self.check_key(op["key"])
        bucket, body = self.bucket(op), body_of(*op["body"])
        self.check_write(bucket, op["key"], op)
        bucket.objects[op["key"]] = Object(body, md5(body), dict(op.get("fields", {})),
                                           dict(op.get("meta", {})), dict(op.get("tags", {})))
        return {"status": 200, "etag": md5(body)}

    def append(self, op):
        """The ETag afterwards is the server's to choose: see learn()."""
        self.check_key(op["key"])
        body = body_of(*op["body"])
        if not body:
            raise Refused(400, "InvalidRequest")
        bucket = self.bucket(op)
        if op["offset"] and op["key"] not in bucket.objects:
            raise Refused(404, "NoSuchKey")
        found = bucket.objects.get(op["key"]) or Object(b"", "", {}, {}, {})
        if op["offset"] != len(found.body):
            raise Refused(400, "InvalidWriteOffset")
        if op["key"] in bucket.objects:
            before = found.part_sizes or ((len(found.body),) if found.body else ())
            found.part_sizes = (*before, len(body))  # what is empty is no part
            found.appended = True
        found.body += body
        found.etag = md5(found.body)
        bucket.objects[op["key"]] = found
        return {"status": 200, "etag": found.etag, "size": len(found.body)}

    def learn(self, op, answered):
        """Takes over what no specification tells: the ETag of what was appended to, a new one in
        another form than that of a single or multipart upload. Returns what was expected then."""
        found = self.buckets[op["bucket"]].objects[op["key"]]
        if found.appended and re.fullmatch(r"[0-9a-f]+-[0-9a-f-]+", answered.get("etag") or ""):
            found.etag = answered["etag"]
        return {"status": 200, "etag": found.etag, "size": len(found.body)}

    def read(self, op, is_head):
        found = self.object(op)
        if "if_match" in op and not matches(op["if_match"], found.etag):
            raise Refused(412, "PreconditionFailed")
        if "if_match" not in op and op.get("unmodified_since") == "past":
            raise Refused(412, "PreconditionFailed")
        if "if_none_match" in op and matches(op["if_none_match"], found.etag):
            return {"status": 304, "etag": found.etag}
        answer = {"status": 200, "etag": found.etag, "meta": found.meta,
                  "fields": {"content-type": DEFAULT_TYPE, **found.fields, **op.get("override", {})},
                  "tag_count": len(found.tags), "range": None}
        size = len(found.body)
        piece = parse_range(op["range"], size) if "range" in op else None
        if "part" in op:
            piece = self.part_range(op["part"], found)
            if found.part_sizes:
                answer["part_count"] = len(found.part_sizes)
        first, end = piece or (0, size)
        if piece and size:
            answer.update(status=206, range=f"bytes {first}-{end - 1}/{size}")
        answer["length"] = end - first
        if not is_head:
            answer["body"] = found.body[first:end]
        return answer

    @staticmethod
    def part_range(number, found):
        sizes = found.part_sizes or (len(found.body),)
        if number > len(sizes):
            raise Refused(416, "InvalidPartNumber")
        first = sum(sizes[: number - 1])
        return first, first + sizes[number - 1]

    def get(self, op):
        return self.read(op, is_head=False)

    def head(self, op):
        try:
            return self.read(op, is_head=True)
        except Refused as refused:
            return {"status": refused.answer["status"]}

    def delete(self, op):
        self.check_key(op["key"])
        objects = self.bucket(op).objects
        if "if_match" in op:
            found = objects.get(op["key"])
            if found is None:
                raise Refused(404, "NoSuchKey")
            if not matches(op["if_match"], found.etag):
                raise Refused(412, "PreconditionFailed")
        objects.pop(op["key"], None)
        return {"status": 204}

    def delete_objects(self, op):
        objects, deleted, errors = self.bucket(op).objects, [], []
        for key, etag in op["entries"]:
            if len(order(key)) > KEY_BYTES_MAX:
                errors.append([key, "KeyTooLongError"])
            elif etag and key not in objects:
                errors.append([key, "NoSuchKey"])
            elif etag and not matches(etag, objects[key].etag):
                errors.append([key, "PreconditionFailed"])
            else:
                objects.pop(key, None)
                deleted.append(key)
        return {"status": 200, "deleted": [] if op["quiet"] else sorted(deleted),
                "errors": sorted(errors)}

    def list(self, op):
        objects = self.bucket(op).objects
        items = roll_up(sorted(objects, key=order), op["prefix"], op["delimiter"], op["start"])
        pages = []
        for page, truncated in in_pages(items, op["max"]):
            keys = [[name, len(objects[name].body), objects[name].etag]
                    for kind, name in page if kind == "key"]
            pages.append({"keys": keys, "truncated": truncated,
                          "prefixes": [name for kind, name in page if kind == "prefix"]})
        return {"status": 200, "pages": pages}

    def walk(self, op):
        """One page; the next begins behind what this one ended with, whatever changed since."""
        if op["goes_on"] and self.walked is None:
            return {"status": 0}
        start = self.walked if op["goes_on"] else ""
        self.walked = None
        found = self.list({**op, "start": start})["pages"][0]
        if found["truncated"]:
            names = [key for key, *_ in found["keys"]] + found["prefixes"]
            self.walked = max(names, key=order)
        return {"status": 200, "pages": [found]}

    def copy(self, op):
        """The copy of a multipart object keeps its ETag and its parts, that of one that was
        appended to does not (s3/README.md)."""
        self.check_key(op["key"])
        source = self.source(op)
        replaces = op["directive"] == "REPLACE"
        itself = (op["bucket"], op["key"]) == (op["from_bucket"], op["from_key"])
        if itself and not replaces:
            raise Refused(400, "InvalidRequest")
        if "source_if_match" in op and not matches(op["source_if_match"], source.etag):
            raise Refused(412, "PreconditionFailed")
        if "source_if_none_match" in op and matches(op["source_if_none_match"], source.etag):
            raise Refused(412, "PreconditionFailed")
        bucket = self.bucket(op)
        self.check_write(bucket, op["key"], op)
        bucket.objects[op["key"]] = Object(
            source.body, md5(source.body) if source.appended else source.etag,
            dict(op.get("fields", {}) if replaces else source.fields),
            dict(op.get("meta", {}) if replaces else source.meta), dict(source.tags),
            () if source.appended else source.part_sizes)
        return {"status": 200, "etag": bucket.objects[op["key"]].etag}

    def rename(self, op):
        self.check_key(op["key"])
        self.check_key(op["from_key"])
        objects = self.bucket(op).objects
        if op["from_key"] not in objects:
            raise Refused(404, "NoSuchKey")
        if op.get("if_none_match") == "*" and op["key"] in objects:
            raise Refused(412, "PreconditionFailed")
        objects[op["key"]] = objects.pop(op["from_key"])
        return {"status": 200}

    # Tags

    def get_tags(self, op):
        return {"status": 200, "tags": self.object(op).tags}

    def put_tags(self, op):
        self.object(op).tags = dict(op["tags"])
        return {"status": 200}

    def delete_tags(self, op):
        self.object(op).tags = {}
        return {"status": 204}

    def attributes(self, op):
        found = self.object(op)
        return {"status": 200, "etag": found.etag, "size": len(found.body),
                "parts": len(found.part_sizes) or None}
