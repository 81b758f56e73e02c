"""Random sequences of operations from a seed: a list of dicts, which JSON can hold. They know
nothing of the state, but are drawn so that operations meet: few buckets, a handful of keys out of
a nasty stock, few bodies, and the words `current` and `other` for ETags (model_uploads.resolve)."""

import random

BUCKETS = 2
LENGTH = 80
STOCK = (
    "a", "a/b", "a/", "a//b", "a/b/c", "a/b/", "a/bc", "a.", "a-", "a0", "a b", "a+b", "a%2Fb",
    ".", "..", "./a", "../a", "a/./b", "a/../b", "/", "//", "/a", "b", "b//", "b///c",
    ".mr.f", "a/.mr.f", ".mr.sys", ".mr.sys/bucket", ".mr.x", "a/.mr.d/b",
    "é", "é/ü", "e\u0301", "日本/語", "\uffff", "\U0001f600", "\ue000", "a\u200bb",
    "x" * 255, "x" * 256, "x" * 255 + "/y", "x" * 254 + "é", "y" * 500 + "/" + "z" * 500,
    "é" * 512, "w" * 1024, "w" * 1025, "v/" * 30,
    "a&<b>\"'", "a\\b", "a\x01b", "a\nb", "a\rb", "a\tb", "\x7f", "~*?[]{}#$@!,;:=|^`", " a ", "-",
)
PREFIXES = ("", "", "", "a", "a/", "a/b", "/", "é", "x" * 255, ".", "\U0001f600", "nothing")
DELIMITERS = ("", "", "/", "/", "/", "b", "//", "é", "a/")
SIZES = (0, 1, 10, 10, 100, 4096, 8192, 8193, 70_000)
RANGES = ("bytes=0-", "bytes=0-0", "bytes=3-5", "bytes=5-3", "bytes=-1", "bytes=-4", "bytes=-0",
          "bytes=9-", "bytes=10-", "bytes=0-99999", "bytes=4000-5000", "bytes=0-1,3-4", "bytes=x-y",
          "bytes=", "chars=0-1", "bytes=-99999999")
FIELDS = ({}, {}, {"content-type": "text/plain"}, {"cache-control": "no-cache"},
          {"content-type": "a/b; c=d", "content-language": "de"})
METAS = ({}, {}, {"colour": "blue"}, {"a": "1", "b-c": "two words"})
TAGS = ({}, {}, {"team": "red"}, {"a b": "c/d+e", "x": ""})
PART = 5 * 1024 * 1024


class Draw:
    """One sequence; `features` are the operations and options that the server has."""

    def __init__(self, seed, features, length=LENGTH):
        self.random = random.Random(seed)
        self.features, self.slots, self.length = features, [], length
        self.keys = self.random.sample(STOCK, self.random.randint(3, 9))
        makers = [(6, self.put), (4, self.get), (2, self.head), (1.5, self.delete),
                  (0.7, self.bucket), (2, self.list), (0.5, self.walk),
                  (0.5, self.delete_objects), (3, self.upload)]
        makers += [(1, getattr(self, name)) for name in ("copy", "rename", "append", "tags",
                                                        "attributes")
                   if name in features]
        self.weights, self.makers = zip(*makers)

    def sequence(self):
        made = [{"op": "create_bucket", "bucket": 0}]
        for key in self.keys:
            if self.chance(0.7):
                made.append({"op": "put", "bucket": 0, "key": key, "body": self.body()})
        while len(made) < self.length:
            maker, = self.random.choices(self.makers, self.weights)
            made += maker()
        return made

    def one(self, choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def where(self, op):
        """An operation on an object; the second bucket often is not there."""
        return {"op": op, "bucket": 0 if self.chance(0.9) else 1, "key": self.one(self.keys)}

    def body(self):
        return [self.one(SIZES), self.random.randint(0, 3)]

    def new_object(self, op):
        made = {**self.where(op), "fields": self.one(FIELDS), "meta": self.one(METAS)}
        tags = self.one(TAGS)
        return {**made, "tags": tags} if "tags" in self.features and tags else made

    def write_conditions(self):
        if self.chance(0.15):
            return {"if_none_match": "*"}
        if "if_match" in self.features and self.chance(0.15):
            return {"if_match": self.one(("current", "current", "other"))}
        return {}

    # Buckets

    def bucket(self):
        op = self.one(("create_bucket",) * 3 + ("delete_bucket", "head_bucket", "list_buckets"))
        return [{"op": op, "bucket": self.random.randrange(BUCKETS)}]

    # Objects

    def put(self):
        return [{**self.new_object("put"), "body": self.body(), **self.write_conditions()}]

    def read(self, op):
        made = self.where(op)
        if self.chance(0.4):
            made["range"] = self.one(RANGES)
        elif "part_reads" in self.features and self.chance(0.2):
            made["part"] = self.one((1, 1, 2, 3))
        if self.chance(0.3):
            made["if_match"] = self.one(("current", "current", "other", "*"))
        if self.chance(0.3):
            made["if_none_match"] = self.one(("current", "other", "other", "*"))
        if self.chance(0.1):
            made["unmodified_since"] = self.one(("past", "future"))
        if self.chance(0.1):
            made["modified_since"] = "past"
        if self.chance(0.1):
            made["override"] = {"content-type": "x/y", "cache-control": "max-age=1"}
        return [made]

    def get(self):
        return self.read("get")

    def head(self):
        return self.read("head")

    def delete(self):
        made = self.where("delete")
        if "delete_if_match" in self.features and self.chance(0.3):
            made["if_match"] = self.one(("current", "other", "*"))
        return [made]

    def delete_objects(self):
        """Keys only once: what a list that names one twice does is no specification's."""
        keys = self.random.sample(self.keys, self.random.randint(1, 3))
        conditional = "delete_entries_if_match" in self.features and self.chance(0.5)
        entries = [[key, self.one(("current", "other", None)) if conditional else None]
                   for key in keys]
        return [{"op": "delete_objects", "bucket": self.where("")["bucket"], "entries": entries,
                 "quiet": self.chance(0.3)}]

    def list(self):
        prefix = self.one(PREFIXES)
        return [{"op": "list", "bucket": 0, "version": self.one((1, 2, 2)), "prefix": prefix,
                 "delimiter": self.one(DELIMITERS), "max": self.one((1, 2, 3, 1000)),
                 "start": self.one(("", "", prefix, *self.keys)), "encoded": self.chance(0.5)}]

    def walk(self):
        """A listing whose pages are asked for while the bucket changes."""
        made = {"bucket": 0, "prefix": self.one(PREFIXES), "delimiter": self.one(DELIMITERS),
                "max": self.one((1, 2, 3))}
        steps = [{"op": "walk", **made, "goes_on": False}]
        for _ in range(self.random.randint(1, 4)):
            steps += self.one((self.put, self.delete))()
            steps.append({"op": "walk", **made, "goes_on": True})
        return steps

    def copy(self):
        made = {**self.where("copy"), "from_bucket": 0, "from_key": self.one(self.keys),
                "directive": self.one(("COPY", "REPLACE"))}
        if made["directive"] == "REPLACE":
            made.update(fields=self.one(FIELDS), meta=self.one(METAS))
        if self.chance(0.3) and made["key"] != made["from_key"]:
            made[self.one(("source_if_match", "source_if_none_match"))] = self.one(
                ("current", "other"))
        return [made]

    def append(self):
        return [{**self.where("append"), "body": self.body(),
                 "offset": self.one(("end", "end", "end", 0, 10))}]

    def rename(self):
        made = {**self.where("rename"), "from_key": self.one(self.keys)}
        return [made] if made["key"] != made["from_key"] else []

    def tags(self):
        made = self.where(self.one(("get_tags", "put_tags", "put_tags", "delete_tags")))
        return [{**made, "tags": self.one(TAGS)} if made["op"] == "put_tags" else made]

    def attributes(self):
        return [self.where("attributes")]

    # Uploads: each slot is created once, and used in the order that comes

    def upload(self):
        if not self.slots or self.chance(0.3):
            made = {**self.new_object("create_upload"), "slot": len(self.slots), "numbers": set()}
            self.slots.append(made)
            created = {name: value for name, value in made.items() if name != "numbers"}
            return [created, *self.parts(made)]
        made = self.one(self.slots[-2:])
        if self.chance(0.2):
            return [{"op": "list_uploads", "bucket": 0, "prefix": self.one(("", "", "", "a")),
                     "delimiter": self.one(("", "", "/")), "max": self.one((1, 2, 1000)),
                     "encoded": self.chance(0.5)}]
        return self.one((self.parts, self.complete, self.complete, self.list_parts, self.abort))(
            made)

    @staticmethod
    def of(op, upload):
        return {"op": op, "bucket": upload["bucket"], "key": upload["key"], "slot": upload["slot"]}

    def parts(self, upload):
        """One part, or now and then a run of them that can become an object together."""
        if self.chance(0.15):
            parts = [self.part(upload, number, [PART, 1]) for number in self.one(((1,), (1, 2)))]
            return [*parts, self.part(upload, 3, self.body())]
        number = self.one((1, 1, 1, 2, 10_000))
        if "upload_part_copy" in self.features and self.chance(0.3):
            return [{**self.of("upload_part_copy", upload), "number": number, "from_bucket": 0,
                     "from_key": self.one(self.keys), "range": self.one((None, [0, 0], [2, 8]))}]
        return [self.part(upload, number, self.body())]

    def part(self, upload, number, body):
        upload["numbers"].add(number)
        return {**self.of("upload_part", upload), "number": number, "body": body}

    def complete(self, upload):
        """Most often of the parts that there should be."""
        numbers = sorted(upload["numbers"])
        if self.chance(0.3):
            numbers = self.one(((1,), (1, 2), (2, 1), (1, 1), (), (1, 2, 3)))
        word = "other" if self.chance(0.05) else "current"
        return [{**self.of("complete", upload), "parts": [[number, word] for number in numbers],
                 **({"if_none_match": "*"} if self.chance(0.1) else {})}]

    def list_parts(self, upload):
        return [{**self.of("list_parts", upload), "max": self.one((1, 2, 1000))}]

    def abort(self, upload):
        return [self.of("abort", upload)]
