"""Measures Millrace beside other servers in one run: each on core 0, the client on core 1, the
servers taking turns window by window, medians with their spread. Usually called as
`tools/dev bench compare [--quick]`. README.md says what the figures mean and what they don't."""

import argparse
import dataclasses
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

DESCRIPTORS = 8192
WARM_UP_S = 1


@dataclasses.dataclass(frozen=True)
class Work:
    """One kind of load, put on several servers in turn."""
    title: str
    label: str  # of the objects
    method: str
    object_bytes: int
    objects: int
    connections: int
    per: str  # what processor time is divided by: request or GiB


GET_SMALL = Work("GET 4 KiB", "small", "GET", 4096, 2000, 64, "request")
GET_MIDDLE = Work("GET 1 MiB", "middle", "GET", 1 << 20, 64, 32, "GiB")
GET_LARGE = Work("GET 64 MiB", "large", "GET", 64 << 20, 4, 8, "GiB")
PUT_SMALL = Work("PUT 4 KiB", "put", "PUT", 4096, 2000, 64, "request")


class Bench:
    def __init__(self, options):
        self.folder = options.folder
        self.rounds = options.rounds
        self.window_s = options.window
        self.data = self.folder / "data"
        self.results = []
        self.skipped = []

    def optional(self, make):
        try:
            return make()
        except servers.Unavailable as reason:
            if str(reason) not in self.skipped:
                self.skipped.append(str(reason))
            return None

    def peers(self):
        made = [self.optional(lambda: servers.minio(self.folder)),
                self.optional(lambda: servers.versitygw(self.folder))]
        return [peer for peer in made if peer]

    def target_file(self, server, work):
        path = self.folder / f"targets-{server.name}-{server.durability}-{work.label}"
        keys = load.names(work.label, work.objects)
        path.write_text("\n".join(load.targets(server, work.method, keys)) + "\n")
        return path

    def windows(self, work, running, extra=None):
        """Interleaved windows over the servers; `extra` is one more turn that is no server."""
        files = {id(server): self.target_file(server, work) for server in running}
        body_bytes = work.object_bytes if work.method == "PUT" else 0
        taken = {id(server): [] for server in running}
        others = []
        for turn in range(-1, self.rounds):
            for server in running:
                seconds = WARM_UP_S if turn < 0 else self.window_s
                got = load.run_wrk(server, files[id(server)], work.method, body_bytes,
                                   work.connections, seconds)
                if turn >= 0:
                    taken[id(server)].append(got)
            if extra and turn >= 0:
                others.append(extra())
        for server in running:
            self.results.append(report.summary(work, server, taken[id(server)]))
        if others:
            self.results.append(report.reference(work, others))

    def fill(self, server, *works):
        load.make_bucket(server)
        for work in works:
            load.fill(server, load.names(work.label, work.objects), work.object_bytes)

    def gets(self):
        works = (GET_SMALL, GET_MIDDLE, GET_LARGE)
        running = []
        try:
            # Reads are alike in every durability mode; filling is quickest without syncs.
            own = servers.millrace(self.data, "none").start(self.folder)
            running.append(own)
            self.fill(own, *works)
            plain = self.optional(lambda: servers.nginx(self.data, self.folder))
            if plain:
                running.append(plain.start(self.folder))
            for peer in self.peers():
                running.append(peer.start(self.folder))
                self.fill(peer, *works)
            for work in works:
                print(f"{work.title}: {', '.join(s.name for s in running)}", flush=True)
                self.windows(work, running)
        finally:
            for server in running:
                server.stop()

    def disk_reference(self):
        """As many writers as the servers have connections, doing no more than strict asks."""
        folder = self.folder / "reference"
        folder.mkdir(exist_ok=True)
        command = [str(servers.ROOT / "build/release/bench/disk-reference"), str(folder),
                   str(PUT_SMALL.connections), str(self.window_s), str(PUT_SMALL.object_bytes), "1"]
        out = subprocess.run(command, capture_output=True, text=True, check=True)
        return {**json.loads(out.stdout), "command": " ".join(command)}

    def puts(self):
        """A peer beside the mode that promises what it promises; strict beside the disk."""
        running = []
        try:
            for mode in ("strict", "data", "none"):
                server = servers.millrace(self.folder / f"data-{mode}", mode).start(self.folder)
                running.append(server)
                load.make_bucket(server)
            for peer in self.peers():
                running.append(peer.start(self.folder))
                load.make_bucket(peer)
            print(f"PUT 4 KiB: {', '.join(s.name + ' ' + s.durability for s in running)}, "
                  "the disk alone", flush=True)
            self.windows(PUT_SMALL, running, self.disk_reference)
        finally:
            for server in running:
                server.stop()

    def idle_connections(self, count):
        """Resident memory before and with connections that have each had one answer."""
        print(f"{count} idle connections", flush=True)
        for make in (lambda: servers.millrace(self.data, "none"),
                     lambda: servers.nginx(self.data, self.folder)):
            server = self.optional(make)
            if not server:
                continue
            server.start(self.folder)
            sockets = []
            try:
                before = servers.resident_kib(server.pid)
                head = (f"GET /{load.BUCKET}/none HTTP/1.1\r\n"
                        f"Host: 127.0.0.1:{server.port}\r\n\r\n").encode()
                for _ in range(count):
                    one = socket.create_connection(("127.0.0.1", server.port))
                    sockets.append(one)
                    one.sendall(head)
                    one.recv(4096)
                time.sleep(0.2)
                self.results.append(report.memory(server, count, before,
                                                  servers.resident_kib(server.pid)))
            finally:
                for one in sockets:
                    one.close()
                server.stop()

    def starts(self, times):
        """From exec to the line `ready`, on a folder that holds objects."""
        print("start", flush=True)
        taken, last = [], None
        for _ in range(times):
            last = servers.millrace(self.data, "strict").start(self.folder)
            taken.append(last.ready_s * 1000)
            last.stop()
        self.results.append(report.start(last, taken))


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tools/dev bench compare", description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="one short window each, under a minute; kept out of bench/results")
    parser.add_argument("--rounds", type=int, help="windows of each server (default 5)")
    parser.add_argument("--window", type=int, help="seconds of a window (default 2)")
    parser.add_argument("--folder", type=pathlib.Path, default=servers.ROOT / "build" / "bench",
                        help="where data goes: its filesystem is what is measured; emptied")
    parser.add_argument("--only", choices=("gets", "puts", "idle", "start"), action="append",
                        help="part of it; kept out of bench/results")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.window = options.window or (1 if options.quick else 2)
    options.folder = options.folder.resolve()
    return options


def check_machine():
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("compare: needs two processors, one for the server and one for the client")
    if not shutil.which("wrk"):
        sys.exit("compare: wrk is not installed (apt-get install wrk)")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(DESCRIPTORS, hard)), hard))


def main():
    options = parse_arguments()
    check_machine()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    began = datetime.datetime.now(datetime.timezone.utc)
    result = {"date": began.isoformat(timespec="seconds"), "rounds": options.rounds,
              "window_s": options.window, "machine": machine.fingerprint(options.folder),
              "network": network.enter_own()}
    bench = Bench(options)
    parts = {"gets": bench.gets, "puts": bench.puts,
             "idle": lambda: bench.idle_connections(1000),
             "start": lambda: bench.starts(3 if options.quick else 9)}
    for name, part in parts.items():
        if not options.only or name in options.only:
            part()
    result.update(skipped=bench.skipped, results=bench.results)
    report.show(result)
    is_record = not options.quick and not options.only
    place = servers.ROOT / "bench" / "results" if is_record else options.folder
    place.mkdir(exist_ok=True)
    path = place / f"{began:%Y-%m-%d-%H%M}.json"
    # Commands as they are run from the repository's root: where that was is nobody's business.
    text = json.dumps(result, indent=1).replace(f"{servers.ROOT}/", "")
    path.write_text(text + "\n")
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
