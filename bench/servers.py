"""The servers that are compared: how each is started on one core, and what it has used since.
Whoever starts a server stops it, by its own process id. Every server keeps its files below a
folder of its own; nginx serves Millrace's files, which are plain files."""

import dataclasses
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "build" / "peers"
ACCESS_KEY, SECRET_KEY = "benchmark", "benchmark-secret-key"
CORE = 0
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
READY_S = 30


class Unavailable(Exception):
    """A peer that isn't here; the text says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    try:
        return [int(child) for child in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def core_busy_seconds(cores=(CORE,)):
    """How long these cores have not been idle, all together, on an arbitrary clock. Not the processes' own
    times: the kernel does a part of the sending for them, in threads and interrupts that it
    charges to nobody or to whom it meets, and how large that part is differs between servers."""
    busy_s = 0.0
    wanted = {f"cpu{core}" for core in cores}
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        name, *times = line.split()
        if name in wanted:
            wanted.remove(name)
            idle, waiting, stolen = int(times[3]), int(times[4]), int(times[7])
            busy_s += time.monotonic() - (idle + waiting + stolen) / TICKS_A_SECOND
    if wanted:
        raise RuntimeError(f"/proc/stat has no line for {', '.join(sorted(wanted))}")
    return busy_s


def resident_kib(pid):
    total = 0
    for one in (pid, *children(pid)):
        for line in pathlib.Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


@dataclasses.dataclass
class Server:
    name: str
    durability: str
    command: list
    env: dict
    port: int
    signed: bool
    is_ready: object  # called with the server: True once it answers
    cores: tuple = (CORE,)
    process: subprocess.Popen = None
    ready_s: float = 0

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def start(self, folder):
        self.log = folder / f"{self.name}-{self.port}.log"
        began = time.monotonic()
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(
                ["taskset", "-c", core_list(self.cores), *self.command], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env={**clean_environment(), **self.env})
        while not self.is_ready(self):
            if self.process.poll() is not None or time.monotonic() - began > READY_S:
                tail = self.log.read_text(errors="replace")[-2000:]
                self.stop()
                raise RuntimeError(f"{self.name} did not start:\n{tail}")
            time.sleep(0.001)
        self.ready_s = time.monotonic() - began
        return self

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def core_list(cores):
    return ",".join(str(core) for core in cores)


def clean_environment():
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MILLRACE_", "MINIO_", "VGW_"))}


def says_ready(server):
    return any(line.startswith("ready") for line in
               server.log.read_text(errors="replace").splitlines())


def answers(path, statuses):
    def ask(server):
        try:
            with urllib.request.urlopen(server.endpoint + path, timeout=1) as answer:
                return answer.status in statuses
        except urllib.error.HTTPError as error:
            return error.code in statuses
        except OSError:
            return False
    return ask


def binary():
    return str(os.environ.get("MILLRACE_BINARY", ROOT / "build/release/tools/millrace"))


def millrace(data, durability, cores=(CORE,)):
    """One shard on each of the cores."""
    port = free_port()
    return Server(
        name="millrace", durability=durability, port=port, signed=True, is_ready=says_ready,
        cores=cores,
        command=[binary(), "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}",
                 "--health", f"127.0.0.1:{free_port()}", "--cores", core_list(cores),
                 "--durability", durability],
        env={"MILLRACE_ACCESS_KEY": ACCESS_KEY, "MILLRACE_SECRET_KEY": SECRET_KEY})


def create_cluster(config_fs, data, durability):
    for folder in (config_fs, data):
        folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([binary(), "cluster", "create", "--config-fs", str(config_fs), "--data",
                    f"main={data}", "--durability", durability], check=True, capture_output=True,
                   env={**clean_environment(), "MILLRACE_ACCESS_KEY": ACCESS_KEY,
                        "MILLRACE_SECRET_KEY": SECRET_KEY})


def container(config_fs, name, durability, cores):
    """One of a cluster's containers, with a shard on each of the cores."""
    port = free_port()
    return Server(
        name=name, durability=durability, port=port, signed=True, is_ready=says_ready, env={},
        cores=cores,
        command=[binary(), "serve", "--config-fs", str(config_fs), "--name", name, "--listen",
                 f"127.0.0.1:{port}", "--health", f"127.0.0.1:{free_port()}", "--cores",
                 core_list(cores), "--drain-notice", "0"])


def ring_floor(body_bytes):
    """What a server with a ring cannot go below: a constant answer (ring_floor.cpp)."""
    port = free_port()
    binary = ROOT / "build/release/bench/ring-floor"
    return Server(name="ring floor", durability="none", port=port, signed=False, env={},
                  is_ready=answers("/", {200}), command=[str(binary), str(port), str(body_bytes)])


NGINX = """\
worker_processes 1;
worker_cpu_affinity {mask:b};
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=10000 inactive=60s;
  client_body_temp_path {folder}/nginx-body;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {root}; }}
}}
"""


def nginx(data, folder):
    binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not binary:
        raise Unavailable("nginx is not installed")
    port = free_port()
    user = "root" if os.geteuid() == 0 else "nobody"
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(mask=1 << CORE, user=user, folder=folder, port=port,
                                          root=data))
    return Server(name="nginx", durability="none", port=port, signed=False, env={},
                  is_ready=answers("/", {200, 403, 404}),
                  command=[binary, "-c", str(configuration), "-p", str(folder)])


def peer_binary(name):
    path = shutil.which(name, path=f"{PEERS}:{os.environ['PATH']}")
    if not path:
        raise Unavailable(f"{name} is not here: `tools/dev bench peers` makes it with go")
    return path


def minio(folder):
    port = free_port()
    data = folder / "minio"
    data.mkdir(parents=True, exist_ok=True)
    return Server(
        name="minio", durability="data", port=port, signed=True,
        is_ready=answers("/minio/health/ready", {200}),
        command=[peer_binary("minio"), "server", "--quiet", "--address", f"127.0.0.1:{port}",
                 "--console-address", f"127.0.0.1:{free_port()}", str(data)],
        env={"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY, "GOMAXPROCS": "1",
             "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"})


def versitygw(folder, root=None):
    port = free_port()
    data = root or folder / "versitygw"
    data.mkdir(parents=True, exist_ok=True)
    return Server(
        name="versitygw", durability="none", port=port, signed=True,
        is_ready=answers("/", {200, 403}),
        command=[peer_binary("versitygw"), "--port", f"127.0.0.1:{port}", "--quiet",
                 "--access", ACCESS_KEY, "--secret", SECRET_KEY, "posix", str(data)],
        env={"GOMAXPROCS": "1"})
