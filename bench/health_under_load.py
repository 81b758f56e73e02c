"""How long a health check waits for its answer: idle, and while every frontend is kept busy.

    MILLRACE_BINARY=build/release/millrace build/venv/bin/python bench/health_under_load.py

One check each 10 ms, each over a connection of its own, as load balancers make them. The load is
wrk with presigned GETs and PUTs of 4 KiB over all processors, so it competes with the server and
with the checker for them; as root the checker has the health shard's own priority (niceness -10),
or its own waiting for a processor would be what is measured."""

import argparse
import contextlib
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

EVERY_S = 0.01
OBJECTS = 500
BYTES = 4096
CONNECTIONS = 64
NICENESS = -10


def start(folder, durability):
    """A frontend on every processor that there is."""
    server = servers.millrace(folder / "data", durability)
    at = server.command.index("--cores")
    del server.command[at:at + 2]
    health = server.command[server.command.index("--health") + 1]
    # Not by Server.start, which keeps it to one processor.
    server.log = folder / "server.log"
    with open(server.log, "wb") as out:
        server.process = subprocess.Popen(server.command, stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=out, env={**os.environ, **server.env})
    deadline = time.monotonic() + servers.READY_S
    while not servers.says_ready(server):
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(server.log.read_text())
        time.sleep(0.01)
    return server, int(health.rpartition(":")[2])


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
def loaded(server, folder, method, seconds):
    keys = load.names("under-load", OBJECTS)
    file = folder / f"{method}.targets"
    file.write_text("\n".join(load.targets(server, method, keys)))
    wrk = subprocess.Popen(
        ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "30s", "-s",
         str(servers.ROOT / "bench" / "walk.lua"), server.endpoint, "--", str(file), method,
         str(BYTES if method == "PUT" else 0)], stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.setpriority(os.PRIO_PROCESS, 0, 0))
    time.sleep(1)
    counted = {}
    yield counted
    counted.update(json.loads(wrk.communicate()[0].splitlines()[-1]))


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
            load.fill(server, load.names("under-load", OBJECTS), BYTES)
            with contextlib.suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
            report("idle", measure(health_port, options.seconds), None)
            for method in ("GET", "PUT"):
                with loaded(server, folder, method, options.seconds + 2) as counted:
                    row = measure(health_port, options.seconds)
                report(f"{method} 4 KiB", row, counted)
        finally:
            server.stop()


def report(name, row, counted):
    rate = f"{counted['requests'] / counted['seconds']:9.0f} requests/s" if counted else ""
    print(f"{name:10} {row['checks']:5} checks: median {row['median_ms']:6.2f} ms, "
          f"p99 {row['p99_ms']:7.2f} ms, greatest {row['greatest_ms']:7.2f} ms; "
          f"{row['frontends_busy']:.2f} processors busy with frontends {rate}", flush=True)


if __name__ == "__main__":
    main()
