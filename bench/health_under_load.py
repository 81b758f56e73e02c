"""How long a health check waits for its answer: idle, and while every frontend is kept busy.

    MILLRACE_BINARY=build/release/millrace build/venv/bin/python bench/health_under_load.py

One check each 10 ms, each over a connection of its own, as load balancers make them. The load is
millrace-bench with presigned GETs and PUTs of 4 KiB over all processors, so it competes with the server and
with the checker for them; as root the checker has the health shard's own priority (niceness -10),
or its own waiting for a processor would be what is measured."""

import argparse
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import load
import servers
import works

EVERY_S = 0.01
OBJECTS = 500
CONNECTIONS = 64
NICENESS = -10


def start(folder, durability):
    """A frontend on every processor that there is."""
    server = servers.millrace(folder / "data", durability, tuple(sorted(os.sched_getaffinity(0))))
    health = server.command[server.command.index("--health") + 1]
    return server.start(folder), int(health.rpartition(":")[2])


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    began = time.monotonic()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    took = time.monotonic() - began
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body!r}")
    return took, body


def busy_seconds(port):
    """Of the frontends together."""
    text = ask(port, "/metrics")[1].decode()
    return sum(float(value) for value in
               re.findall(r'^millrace_shard_busy_seconds_total\{shard="\d+"\} (\S+)$', text, re.M))


def measure(port, seconds):
    took = []
    busy, began = busy_seconds(port), time.monotonic()
    while (begun := time.monotonic()) < began + seconds:
        took.append(ask(port, "/wekas3api/health/ready")[0])
        time.sleep(max(0.0, begun + EVERY_S - time.monotonic()))
    busy = (busy_seconds(port) - busy) / (time.monotonic() - began)
    took.sort()
    return {"checks": len(took), "median_ms": 1e3 * took[len(took) // 2],
            "p99_ms": 1e3 * took[int(len(took) * 0.99)], "greatest_ms": 1e3 * took[-1],
            "frontends_busy": busy}


@contextlib.contextmanager
def loaded(server, contest, seconds):
    """The load runs beside the block; its figures are there afterwards."""
    arguments = load.command(server, contest, True, "--duration", f"{seconds}s")
    arguments = arguments[arguments.index(str(load.TOOL)):]  # on any processor
    tool = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True,
        env={**servers.clean_environment(), "AWS_ACCESS_KEY_ID": servers.ACCESS_KEY,
             "AWS_SECRET_ACCESS_KEY": servers.SECRET_KEY},
        preexec_fn=lambda: os.setpriority(os.PRIO_PROCESS, 0, 0))
    time.sleep(1)
    counted = {}
    yield counted
    counted.update(json.loads(tool.communicate()[0])["total"])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="of each window")
    parser.add_argument("--durability", default="strict")
    parser.add_argument("--folder", type=pathlib.Path, help="where the data lies meanwhile")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = pathlib.Path(made)
        (folder / "data").mkdir()
        server, health_port = start(folder, options.durability)
        try:
            load.make_bucket(server)
            contest = works.Contest("under-load", "", "get", (), objects=OBJECTS,
                                    connections=CONNECTIONS)
            load.prepare(server, contest)
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
            report("idle", measure(health_port, options.seconds), None)
            for mix in ("get", "put"):
                with loaded(server, dataclasses.replace(contest, mix=mix),
                            options.seconds + 2) as counted:
                    row = measure(health_port, options.seconds)
                report(f"{mix.upper()} 4 KiB", row, counted)
        finally:
            server.stop()


def report(name, row, counted):
    rate = f"{counted['requests_per_s']:9.0f} requests/s" if counted else ""
    print(f"{name:10} {row['checks']:5} checks: median {row['median_ms']:6.2f} ms, "
          f"p99 {row['p99_ms']:7.2f} ms, greatest {row['greatest_ms']:7.2f} ms; "
          f"{row['frontends_busy']:.2f} processors busy with frontends {rate}", flush=True)


if __name__ == "__main__":
    main()
