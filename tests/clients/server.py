"""Starts and stops one `millrace serve` for a test, and reads what it says. Whoever starts a
server stops it, by its own process id; its output goes to a file that outlives it."""

import contextlib
import dataclasses
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GIVEN_PORTS = set()
READY_S = 30
STOP_S = 15
# Every option of `millrace serve` that takes an address: each gets a free port of its own.
LISTEN_OPTIONS = ("--listen", "--health")
# Each name that some client reads its settings or certificates from.
SCRUBBED = re.compile(r"^(AWS_|S3CMD_|RCLONE_|MILLRACE_(?!BINARY$|LONG$)|BOTO_CONFIG$|https?_proxy$)",
                      re.IGNORECASE)


def scrubbed_environment():
    """The environment less what would lead a client or the server elsewhere. AWS's files are
    pointed at an empty one; AWS_CA_BUNDLE alone keeps rclone from starting."""
    env = {name: value for name, value in os.environ.items() if not SCRUBBED.match(name)}
    return {**env, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true"}


def free_port():
    """One that nobody has, that the kernel gives to no connection while nobody listens there, and
    that was not given before: a server may come back to it."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        first = max(int(file.read().split()[0]), 11_000)
    while True:
        port = random.randrange(10_000, first)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in GIVEN_PORTS:
                GIVEN_PORTS.add(port)
                return port


def binary():
    path = pathlib.Path(os.environ.get("MILLRACE_BINARY", "build/release/millrace"))
    return path if path.is_absolute() else ROOT / path


def read_credentials(path):
    """The pair in DATA/.millrace/credentials, which only the server's user may read."""
    assert path.stat().st_mode & 0o777 == 0o600, "the credentials file is readable by others"
    return tuple(re.search(rf'^{name} = "([^"]+)"$', path.read_text(), re.MULTILINE).group(1)
                 for name in ("access_key", "secret_key"))


@dataclasses.dataclass
class Millrace:
    data: pathlib.Path
    log: pathlib.Path
    process: subprocess.Popen
    port: int
    health_port: int
    access_key: str = ""
    secret_key: str = ""
    generated: bool = True
    scheme: str = "http"

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    @classmethod
    def start(cls, folder, *arguments, credentials=None, data=None):
        """With `credentials`, a pair, the server takes those; without, it makes its own."""
        data = data or folder / "data"
        data.mkdir(exist_ok=True)
        ports = [free_port() for _ in LISTEN_OPTIONS]
        command = [str(binary()), "serve", "--data", str(data)]
        for option, port in zip(LISTEN_OPTIONS, ports):
            command += [option, f"127.0.0.1:{port}"]
        env = scrubbed_environment()
        if credentials:
            env.update(MILLRACE_ACCESS_KEY=credentials[0], MILLRACE_SECRET_KEY=credentials[1])
        log = folder / f"server-{ports[0]}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=subprocess.STDOUT, env=env)
        server = cls(data, log, process, *ports, generated=not credentials,
                     scheme="https" if "--tls-cert" in arguments else "http")
        try:
            server.wait_ready()
            server.access_key, server.secret_key = (
                credentials or read_credentials(data / ".millrace" / "credentials"))
        except BaseException:
            process.kill()
            process.wait()
            raise
        return server

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_ready(self):
        deadline = time.monotonic() + READY_S
        while not re.search(r"^ready\b", self.output(), re.MULTILINE):
            code = self.process.poll()
            assert code is None, f"the server ended with {code}:\n{self.output()}"
            assert time.monotonic() < deadline, f"not ready in {READY_S} s:\n{self.output()}"
            time.sleep(0.02)

    def stop(self):
        """SIGTERM, and everything that an orderly end must show."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running {STOP_S} s after SIGTERM") from None
        tail = "\n".join(self.output().splitlines()[-40:])
        assert code == 0, f"exit code {code} after SIGTERM:\n{tail}"
        self.check_secret_unprinted()

    def check_secret_unprinted(self):
        """The secret is shown once, by the banner of the start that made it, and never again."""
        printed = self.output().count(self.secret_key)
        assert printed <= (1 if self.generated else 0), f"the secret was printed {printed} times"

    def environment(self):
        """For command-line clients."""
        return {**scrubbed_environment(), "AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": self.secret_key, "AWS_DEFAULT_REGION": "us-east-1",
                "LC_ALL": "C.UTF-8"}
