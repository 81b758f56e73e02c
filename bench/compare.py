"""Measures Millrace beside other servers in one run: each on core 0, the client on core 1, the
servers taking turns window by window, medians with their spread, held against the goals. Usually
called as `tools/dev bench compare [--quick]`. README.md says what the figures mean."""

import argparse
import datetime
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import time

import load
import machine
import network
import report
import servers
import works

DESCRIPTORS = 16384
CALIBRATION_S = 1
OPERATIONS_MIN = 32  # of a window
LISTED_KEYS = {"whole": 1_000_000, "quick": 50_000}
PEER_PAGES = 5  # of a listing that takes the peer half an hour
IDLE_FIRST = 1500  # connections that have touched every receive buffer once
TOOLS = ("millrace-bench", "ring-floor", "disk-reference")


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = options.folder
        self.data = self.folder / "data"
        self.results = []
        self.skipped = []

    def start(self, make):
        """The server, or None where it is not here."""
        try:
            return make().start(self.folder)
        except servers.Unavailable as reason:
            if str(reason) not in self.skipped:
                self.skipped.append(str(reason))
            return None

    def makers(self, millrace_modes):
        made = {(works.MILLRACE, mode): lambda m=mode: servers.millrace(
            self.data if m == "none" else self.folder / f"data-{m}", m) for mode in millrace_modes}
        made[works.MINIO, "data"] = lambda: servers.minio(self.folder)
        made[works.VERSITYGW, "none"] = lambda: servers.versitygw(self.folder)
        return made

    def run_contests(self, contests, makers):
        running = {}
        try:
            for key, make in makers.items():
                server = self.start(make)
                if server:
                    running[key] = server
                    if key[0] in (works.MILLRACE, works.MINIO, works.VERSITYGW):
                        load.make_bucket(server, open_to_all=key[0] == works.MILLRACE)
            for contest in contests:
                entries = [e for e in contest.entries if (e.server, e.durability) in running]
                print(f"{contest.title}: {', '.join(e.text for e in entries)}", flush=True)
                self.contest(contest, [(e, running[e.server, e.durability]) for e in entries])
        finally:
            for server in running.values():
                server.stop()

    def contest(self, contest, rivals):
        prepared = {id(s): s for e, s in rivals if e.server in
                    (works.MILLRACE, works.MINIO, works.VERSITYGW)}
        if contest.consumes:
            return self.consuming_contest(contest, rivals)
        if not contest.writes:
            for server in prepared.values():
                load.prepare(server, contest)
        # By number of operations, as many as fit into the window by the first look.
        sizes = {}
        for entry, server in rivals:
            first = load.window(server, contest, entry.signed, seconds=CALIBRATION_S)
            sizes[entry] = max(OPERATIONS_MIN, contest.connections,
                               int(first["operations"] / first["seconds"] * self.options.window))
        taken = {entry: [] for entry, _ in rivals}
        disk = []
        for _ in range(self.options.rounds):
            for entry, server in rivals:
                taken[entry].append(load.window(server, contest, entry.signed,
                                                operations=sizes[entry]))
            if contest.name == "put-4k":
                disk.append(self.disk_reference(contest))
        for entry, server in rivals:
            self.results.append(report.summary(contest, entry, server, taken[entry]))
        if disk:
            self.results.append(report.reference(contest, disk))

    def consuming_contest(self, contest, rivals):
        """Each window takes objects that were put before it, as many as last about that long."""
        counts = {entry: 2000 if entry.server != works.MILLRACE else 20000 for entry, _ in rivals}
        taken = {entry: [] for entry, _ in rivals}
        for _ in range(min(self.options.rounds, 3)):
            for entry, server in rivals:
                load.prepare(server, contest, objects=counts[entry])
                taken[entry].append(load.window(server, contest, entry.signed,
                                                operations=counts[entry],
                                                objects=counts[entry]))
        for entry, server in rivals:
            self.results.append(report.summary(contest, entry, server, taken[entry]))

    def reads(self):
        makers = self.makers(["none"])  # reads are alike in every mode; filling is quickest so
        makers[works.NGINX, "none"] = lambda: servers.nginx(self.data, self.folder)
        makers[works.FLOOR, "none"] = lambda: servers.ring_floor(4096)
        self.run_contests(works.READS, makers)

    def writes(self):
        self.run_contests(works.WRITES, self.makers(["strict", "data", "none"]))

    def disk_reference(self, contest):
        """As many writers as the servers have connections, doing no more than strict asks."""
        folder = self.folder / "reference"
        folder.mkdir(exist_ok=True)
        command = [str(servers.ROOT / "build/release/bench/disk-reference"), str(folder),
                   str(contest.connections), str(self.options.window),
                   str(contest.object_bytes), "1"]
        out = subprocess.run(command, capture_output=True, text=True, check=True)
        return {**json.loads(out.stdout), "command": " ".join(command)}

    def lists(self):
        """A flat prefix: all pages twice, beside the first pages of a peer over the same files."""
        keys = LISTED_KEYS["quick" if self.options.quick else "whole"]
        contest = works.Contest("flat", "LIST", "list", works.SIGNED, object_bytes=64, objects=keys)
        print(f"LIST of {keys:,} keys", flush=True)
        own = self.start(lambda: servers.millrace(self.data, "none"))
        try:
            load.make_bucket(own)
            load.run(load.command(own, contest, True, "--requests", "1", "--folders", "1",
                                  prepare=True, mix="head"), own)
            for what in ("first", "again"):
                got = load.list_pages(own, "flat/")
                if got["keys"] < keys:
                    raise RuntimeError(f"listed {got['keys']} of {keys} keys")
                self.results.append(report.listing(f"LIST of {keys:,} keys, {what} time", own, got))
        finally:
            own.stop()
        peer = self.start(lambda: servers.versitygw(self.folder, root=self.data))
        if peer:
            try:
                got = load.list_pages(peer, "flat/", PEER_PAGES)
                self.results.append(report.listing(f"LIST of {keys:,} keys, {PEER_PAGES} pages",
                                                   peer, got))
            finally:
                peer.stop()

    def idle_connections(self):
        """Memory at rest, and of connections that have each had one answer, beyond the first ones,
        which also touch what all share."""
        count = 1000 if self.options.quick else 4000
        print(f"{count} idle connections", flush=True)
        for make in (lambda: servers.millrace(self.data, "none"),
                     lambda: servers.nginx(self.data, self.folder)):
            server = self.start(make)
            if not server:
                continue
            sockets = []
            try:
                at_rest = servers.resident_kib(server.pid)
                self.connect(server, sockets, IDLE_FIRST)
                before = servers.resident_kib(server.pid)
                self.connect(server, sockets, count)
                self.results.append(report.memory(server, count, at_rest, before,
                                                  servers.resident_kib(server.pid)))
            finally:
                for one in sockets:
                    one.close()
                server.stop()

    @staticmethod
    def connect(server, sockets, count):
        head = (f"GET /{load.BUCKET}/none HTTP/1.1\r\n"
                f"Host: 127.0.0.1:{server.port}\r\n\r\n").encode()
        for _ in range(count):
            one = socket.create_connection(("127.0.0.1", server.port))
            sockets.append(one)
            one.sendall(head)
            one.recv(4096)
        time.sleep(0.3)

    def starts(self):
        """From exec to the line `ready`, on a folder that holds objects."""
        print("start", flush=True)
        taken, last = [], None
        for _ in range(3 if self.options.quick else 9):
            last = servers.millrace(self.data, "strict").start(self.folder)
            taken.append(last.ready_s * 1000)
            last.stop()
        self.results.append(report.start(last, taken))


PARTS = {"reads": Bench.reads, "writes": Bench.writes, "lists": Bench.lists,
         "idle": Bench.idle_connections, "start": Bench.starts}


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tools/dev bench compare", description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="one short window each; kept out of bench/results")
    parser.add_argument("--check", action="store_true",
                        help="--quick with three rounds, then names the ratios that are worse than "
                             "in the last result of bench/results; exit status 1 if there are any")
    parser.add_argument("--rounds", type=int, help="windows of each server (default 5)")
    parser.add_argument("--window", type=float, help="seconds of a window (default 2)")
    parser.add_argument("--folder", type=pathlib.Path, default=servers.ROOT / "build" / "bench",
                        help="where data goes: its filesystem is what is measured; emptied")
    parser.add_argument("--only", choices=PARTS, action="append",
                        help="part of it; kept out of bench/results")
    options = parser.parse_args()
    options.quick |= options.check
    options.rounds = options.rounds or (3 if options.check else 1 if options.quick else 5)
    options.window = options.window or (1 if options.quick else 2)
    options.folder = options.folder.resolve()
    return options


def check_machine():
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("compare: needs two processors, one for the server and one for the client")
    for tool in TOOLS:
        if not (servers.ROOT / "build/release/bench" / tool).exists():
            sys.exit(f"compare: build/release/bench/{tool} is missing (tools/dev build)")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(DESCRIPTORS, hard)), hard))


def last_result():
    """The newest that has goals; None without one."""
    for path in sorted((servers.ROOT / "bench" / "results").glob("*.json"), reverse=True):
        result = json.loads(path.read_text())
        if result.get("goals"):
            return path.name, result
    return None


def main():
    options = parse_arguments()
    check_machine()
    last = last_result()
    if options.check and not last:
        sys.exit("compare: bench/results has no result to check against")
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    began = datetime.datetime.now(datetime.timezone.utc)
    result = {"date": began.isoformat(timespec="seconds"), "rounds": options.rounds,
              "window_s": options.window, "machine": machine.fingerprint(options.folder),
              "network": network.enter_own()}
    bench = Bench(options)
    for name, part in PARTS.items():
        if not options.only or name in options.only:
            part(bench)
    result.update(skipped=bench.skipped, results=bench.results,
                  goals=report.goals(bench.results))
    report.show(result)
    is_record = not options.quick and not options.only
    place = servers.ROOT / "bench" / "results" if is_record else options.folder
    place.mkdir(exist_ok=True)
    path = place / f"{began:%Y-%m-%d-%H%M}.json"
    # Commands as they are run from the repository's root: where that was is nobody's business.
    text = json.dumps(result, indent=1).replace(f"{servers.ROOT}/", "")
    path.write_text(text + "\n")
    path.with_suffix(".html").write_text(report.html(json.loads(text)))
    print(f"\nwritten to {path}, and beside it as HTML")
    if options.check:
        name, then = last
        worse = report.regressions(then["goals"], result["goals"])
        print(f"\nworse than in {name}: {', '.join(worse) or 'nothing'}")
        sys.exit(1 if worse else 0)


if __name__ == "__main__":
    main()
