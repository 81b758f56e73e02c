"""What is compared with what, and the goals. A contest is one kind of load put on several servers
in turn; a goal is a ratio of two of its rows. README.md says what the figures mean."""

import dataclasses

MILLRACE, NGINX, FLOOR, MINIO, VERSITYGW, DISK = (
    "millrace", "nginx", "ring floor", "minio", "versitygw", "the disk alone")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One row: a server in one durability mode, asked with or without signatures."""
    server: str
    signed: bool = True
    durability: str = "none"

    @property
    def text(self):
        return f"{self.server}{' signed' if self.signed else ''} {self.durability}"


@dataclasses.dataclass(frozen=True)
class Contest:
    name: str
    title: str
    mix: str
    entries: tuple
    object_bytes: int = 4096
    objects: int = 2000
    connections: int = 64
    per: str = "request"  # what processor time is divided by: request or GiB
    consumes: bool = False  # its objects are gone after a window

    @property
    def writes(self):
        return self.mix in ("put", "multipart", "delete")


SIGNED = (Entry(MILLRACE), Entry(VERSITYGW), Entry(MINIO, durability="data"))

READS = (
    Contest("get-4k", "GET 4 KiB", "get",
            (Entry(MILLRACE, signed=False), Entry(FLOOR, signed=False), Entry(NGINX, signed=False),
             *SIGNED)),
    Contest("head", "HEAD", "head", SIGNED),
    Contest("range-1k", "GET of 1 KiB out of 1 MiB", "range", SIGNED, object_bytes=1 << 20,
            objects=64),
    Contest("get-1m", "GET 1 MiB", "get", (Entry(NGINX, signed=False), *SIGNED),
            object_bytes=1 << 20, objects=64, connections=32, per="GiB"),
    Contest("get-64m", "GET 64 MiB", "get", (Entry(NGINX, signed=False), *SIGNED),
            object_bytes=64 << 20, objects=4, connections=8, per="GiB"),
)

WRITES = (
    Contest("put-4k", "PUT 4 KiB", "put",
            (Entry(MILLRACE, durability="strict"), Entry(MILLRACE, durability="data"), *SIGNED)),
    Contest("put-1m", "PUT 1 MiB", "put", SIGNED, object_bytes=1 << 20, objects=64,
            connections=16, per="GiB"),
    Contest("put-64m", "PUT 64 MiB", "put", SIGNED, object_bytes=64 << 20, objects=16,
            connections=16, per="GiB"),
    Contest("delete", "DELETE", "delete", SIGNED, consumes=True),
)


@dataclasses.dataclass(frozen=True)
class Goal:
    """`measure` of the first row over that of the second, held against `limit`. Rates want at least
    it, costs (processor, latency) at most."""
    contest: str
    own: Entry
    other: Entry
    measure: str  # rate or processor
    limit: float

    def met(self, ratio):
        return ratio >= self.limit if self.measure == "rate" else ratio <= self.limit

    @property
    def text(self):
        word = "at least" if self.measure == "rate" else "at most"
        return f"{self.own.text} / {self.other.text}: {self.measure} {word} {self.limit:g}"


_OPEN, _OWN = Entry(MILLRACE, signed=False), Entry(MILLRACE)
_VGW, _MINIO = Entry(VERSITYGW), Entry(MINIO, durability="data")
_NGINX = Entry(NGINX, signed=False)

GOALS = (
    Goal("get-4k", _OPEN, _NGINX, "processor", 0.7),
    Goal("get-4k", _OPEN, Entry(FLOOR, signed=False), "processor", 1.35),
    Goal("get-4k", _OWN, _OPEN, "processor", 1.2),
    Goal("get-4k", _OWN, _MINIO, "rate", 25),
    Goal("get-4k", _OWN, _VGW, "rate", 15),
    Goal("head", _OWN, _VGW, "rate", 12),
    Goal("head", _OWN, _MINIO, "rate", 12),
    Goal("range-1k", _OWN, _VGW, "rate", 12),
    Goal("range-1k", _OWN, _MINIO, "rate", 12),
    Goal("get-1m", _OWN, _NGINX, "processor", 0.9),
    Goal("get-64m", _OWN, _NGINX, "processor", 0.9),
    Goal("put-4k", _OWN, _VGW, "rate", 8),
    Goal("put-4k", Entry(MILLRACE, durability="data"), _MINIO, "rate", 10),
    Goal("put-4k", Entry(MILLRACE, durability="strict"),
         Entry(DISK, signed=False, durability="strict"), "rate", 0.8),
    Goal("put-1m", _OWN, _VGW, "processor", 0.334),
    Goal("put-64m", _OWN, _VGW, "processor", 0.334),
    Goal("delete", _OWN, _VGW, "rate", 5),
    Goal("delete", _OWN, _MINIO, "rate", 5),
)
