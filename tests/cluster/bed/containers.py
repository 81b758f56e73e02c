"""Millrace over a bed of hosts: a container on each, over one shared mount, and HAProxy in front."""

import os
import re
import signal

import raw
import server as servers

from .host import child_of, wait_until

KEYS = ("bed-root", "bed-secret-key")
PORT, HEALTH_PORT = 9000, 9001


class Container:
    """`millrace serve --config-fs` on a host."""

    def __init__(self, host, config_fs, *arguments):
        self.host, self.name = host, f"host{host.number}"
        self.address = f"{host.address}:{PORT}"
        self.config_fs, self.arguments = config_fs, arguments
        self.log = host.folder / "millrace.log"
        self.started = 0
        self.process = None

    def start(self):
        self.started = self.log.stat().st_size if self.log.exists() else 0
        self.process = self.host.start(
            servers.binary(), "serve", "--config-fs", self.config_fs, "--name", self.name,
            "--drain-notice", "0",
            *self.arguments, log=self.log, env=servers.scrubbed_environment())
        return self

    def output(self):
        with open(self.log, "rb") as log:
            log.seek(self.started)
            return log.read().decode(errors="replace")

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, self.output()
            return re.search(r"^ready\b", self.output(), re.MULTILINE)
        wait_until(ready, f"{self.name} ready", servers.READY_S * 3, 0.02)
        return self

    def signal(self, number):
        pid = child_of(self.process.pid)
        if pid is not None:
            os.kill(pid, number)
        if number == signal.SIGCONT:
            self.process.send_signal(number)  # nsenter stops itself with its child

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        self.signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.output()

    def client(self):
        return raw.Client(self.address, *KEYS)


class Cluster:
    """`mount` is shared by the hosts; it gets the folders of data and configuration."""

    def __init__(self, hosts, mount, *create_words):
        self.hosts = hosts
        self.data, self.config_fs = mount / "data", mount / "config"
        hosts[0].run("mkdir", "-p", self.data, self.config_fs)
        done = self.tell("create", "--data", f"main={self.data}", "--port", PORT,
                         "--health-port", HEALTH_PORT, *create_words)
        assert done.returncode == 0, done.stderr
        self.containers = [Container(host, self.config_fs) for host in hosts]

    def tell(self, *words, host=None):
        keys = {"MILLRACE_ACCESS_KEY": KEYS[0], "MILLRACE_SECRET_KEY": KEYS[1]}
        command = ["env", *(f"{name}={value}" for name, value in keys.items()),
                   servers.binary(), "cluster", *words, "--config-fs", self.config_fs]
        return (host or self.hosts[0]).run(*command, check=False)

    def start(self):
        for container in self.containers:
            container.start()
        for container in self.containers:
            container.wait_ready()
        return self
