"""Fixtures of the cluster tests: a configuration and a data filesystem (folders here, which are
as shared as can be), containers that serve them, and the command line."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import boto3
import botocore.config
import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "clients"), str(TESTS / "fault")]

import server as servers  # noqa: E402

WAIT_S = 20
LONG = os.environ.get("MILLRACE_LONG") == "1"
KEYS = ("cluster-root", "cluster-secret-key")
ISOLATED = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only in the long form (MILLRACE_LONG=1)")


def pytest_collection_modifyitems(config, items):
    """The short form leaves the long tests out: they are no skips, which a CI would refuse."""
    if LONG:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


class Container:
    """One `millrace serve --config-fs`. It stops without a notice, unless it is given one."""

    def __init__(self, folder, config_fs, name, *arguments, environment=None, ports=None,
                 isolated=False, prefix=()):
        """Isolated: in a network of its own, where it takes the cluster's port on every
        interface. The prefix comes before the server's command line."""
        self.name = name
        self.port, self.health_port = ports or (servers.free_port(), servers.free_port())
        self.log = folder / f"{name}-{time.monotonic_ns()}.log"  # one for each start
        with open(self.log, "wb") as out:
            listen = [] if isolated else ["--listen", f"127.0.0.1:{self.port}"]
            self.process = subprocess.Popen(
                [*prefix, *(ISOLATED if isolated else []), str(servers.binary()), "serve", "--config-fs",
                 str(config_fs), "--name", name, *listen, "--health",
                 f"127.0.0.1:{self.health_port}",
                 *(() if "--drain-notice" in arguments else ("--drain-notice", "0")),
                 *arguments], stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT,
                env={**servers.scrubbed_environment(), **(environment or {})})

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_ready(self):
        deadline = time.monotonic() + servers.READY_S
        while not re.search(r"^ready\b", self.output(), re.MULTILINE):
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(servers.STOP_S) == 0, self.output()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def client(self, keys=KEYS):
        return boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.port}", aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1], region_name="us-east-1",
            config=botocore.config.Config(retries={"max_attempts": 0},
                                          s3={"addressing_style": "path"}))


class Cluster:
    keys = KEYS

    def __init__(self, folder):
        self.folder = folder
        self.config_fs = folder / "config"
        self.data = folder / "objects"
        self.config_fs.mkdir()
        self.data.mkdir()
        self.containers = []

    def run(self, *words, environment=None, answer=""):
        """`millrace cluster ...`, as (exit status, output, errors)."""
        done = subprocess.run(
            [str(servers.binary()), "cluster", *words, "--config-fs", str(self.config_fs)],
            capture_output=True, text=True, timeout=90, input=answer,
            env={**servers.scrubbed_environment(), **(environment or {})})
        return done.returncode, done.stdout, done.stderr

    def create(self, *words):
        status, out, errors = self.run(
            "create", "--data", f"main={self.data}", *words,
            environment={"MILLRACE_ACCESS_KEY": KEYS[0], "MILLRACE_SECRET_KEY": KEYS[1]})
        assert status == 0, errors
        return out

    def start(self, name, *arguments, **options):
        container = Container(self.folder, self.config_fs, name, *arguments, **options)
        self.containers.append(container)
        return container

    def status(self):
        status, out, errors = self.run("status", "--json")
        assert status == 0, errors
        return json.loads(out)

    def states(self):
        return {each["name"]: each["state"] for each in self.status()["containers"]}

    def wait_states(self, wanted):
        deadline = time.monotonic() + WAIT_S
        while (seen := self.states()) != wanted:
            assert time.monotonic() < deadline, f"{seen} instead of {wanted}"

    def end(self):
        running = [each for each in self.containers if each.process.poll() is None]
        for container in running:  # all at once: some take a notice
            container.process.send_signal(signal.SIGTERM)
        for container in running:
            assert container.process.wait(servers.STOP_S) == 0, container.output()


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.end()
