"""HAProxy before containers, configured as health/README.md has it, and what it makes of them."""

import csv
import io
import shutil
import socket
import subprocess
import time

import server as servers

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CHECK_EVERY_S = 1
SEEN_S = 15

# `http-reuse safe` and `retries 3` are HAProxy's own defaults; they are what is relied on.
CONFIGURATION = """\
global
    stats socket {control} mode 600 level user
    maxconn 500
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    http-reuse safe
    retries 3
    option redispatch
listen s3
    bind 127.0.0.1:{port}
    balance {algorithm}
    option httpchk
    http-check send meth GET uri /wekas3api/health/ready
    http-check expect status 200
    default-server check inter {check_every_s}s fall 1 rise 1 {agent}
"""


def program():
    return shutil.which("haproxy", path=PATH)


class Balancer:
    """`targets`: (name, S3 port, health port, agent port or None) of each container."""

    def __init__(self, folder, targets, algorithm="leastconn"):
        self.port = servers.free_port()
        self.control = folder / "h.sock"
        agent = "agent-check agent-inter 1s" if targets[0][3] else ""
        text = CONFIGURATION.format(control=self.control, port=self.port, algorithm=algorithm,
                                    check_every_s=CHECK_EVERY_S, agent=agent)
        for name, port, health_port, agent_port in targets:
            text += f"    server {name} 127.0.0.1:{port} port {health_port} weight 100"
            text += f" agent-port {agent_port}\n" if agent_port else "\n"
        configuration = folder / "haproxy.cfg"
        configuration.write_text(text)
        self.log = folder / "haproxy.log"
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen([program(), "-db", "-f", str(configuration)],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def servers(self):
        """Name -> its row of `show stat`."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5)
            control.connect(str(self.control))
            control.sendall(b"show stat\n")
            with control.makefile() as answer:
                rows = csv.DictReader(io.StringIO(answer.read().lstrip("# ")))
                return {row["svname"]: row for row in rows
                        if row["svname"] not in ("FRONTEND", "BACKEND")}

    def troubles(self):
        """What HAProxy had to make good or could not: connections that failed, answers that did
        not come, requests that it sent again, to the same server or to another."""
        return {f"{name} {what}": int(row[what]) for name, row in self.servers().items()
                for what in ("econ", "eresp", "wretr", "wredis") if int(row[what])}

    def wait_for(self, name, seen):
        """Until `seen(row)` holds for that server."""
        deadline = time.monotonic() + SEEN_S
        row = None
        while True:
            assert self.process.poll() is None, self.log.read_text()
            try:
                row = self.servers().get(name)
            except (FileNotFoundError, ConnectionRefusedError):
                pass
            if row and seen(row):
                return row
            assert time.monotonic() < deadline, f"HAProxy says of {name}: {row}"
            time.sleep(0.05)

    def wait_up(self, name):
        # Not `UP`: HAProxy believes that until its first check.
        return self.wait_for(name, lambda row: row["status"].startswith("UP")
                             and row["check_status"] == "L7OK")

    def stop(self):
        self.process.kill()  # open connections don't hold it up
        self.process.wait()
