"""Hosts on one machine: network, mount and process namespaces, joined by a bridge. The first
process of a host is the init of its process namespace: when it ends, the kernel ends everything in
it, unmounts what was mounted there and removes its network. It dies with whoever made it, so
nothing is left behind by a failed or killed test. Nothing is ever added to the machine's own
network: a test reaches the hosts by entering the switch's network (`Switch.inside`)."""

import contextlib
import ctypes
import os
import pathlib
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
WAIT_S = 30
NETWORK = "10.77.0"
LIBC = ctypes.CDLL(None, use_errno=True)


def enter_network(descriptor):
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def wait_until(condition, what, deadline_s=WAIT_S, pause_s=0.05):
    """The first true answer of `condition`."""
    deadline = time.monotonic() + deadline_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"{what} within {deadline_s} s"
        time.sleep(pause_s)
    return answer


class Namespace:
    """A process that holds namespaces, and what runs in them."""

    entered = ("-n", "-m", "-p")

    def __init__(self, *kinds):
        # The holder dies with the thread that made it: make hosts where the bed lives.
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *kinds, "--kill-child=KILL", "--fork",
             "sleep", "infinity"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.pid = wait_until(self._first, "a namespace", pause_s=0.01)
        # Forked before the namespaces are entered: the names in /proc tell.
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != own and
                   pathlib.Path(f"/proc/{self.pid}/comm").read_text() == "sleep\n", "a network")
        self.network = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def _first(self):
        assert self.holder.poll() is None, "unshare failed"
        return child_of(self.holder.pid)

    def command(self, *words):
        return ["nsenter", "-t", str(self.pid), *self.entered, "--", *map(str, words)]

    def run(self, *words, check=True, timeout_s=60):
        done = subprocess.run(self.command(*words), capture_output=True, text=True,
                              timeout=timeout_s, stdin=subprocess.DEVNULL)
        if check:
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    def start(self, *words, log, **options):
        with open(log, "ab") as out:
            return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=subprocess.STDOUT, **options)

    def end(self):
        """As a power cut: everything in it is gone when this returns."""
        if self.network < 0:
            return
        os.close(self.network)
        self.network = -1
        self.holder.kill()
        self.holder.wait()
        # The kernel waits for every process of the namespace before its init is gone.
        wait_until(lambda: not pathlib.Path(f"/proc/{self.pid}").exists(), "the end of a host")


def child_of(pid):
    """The first child of a process; None where there is none."""
    with contextlib.suppress(OSError):
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None
    return None


class Switch(Namespace):
    """The bridge that joins the hosts; its own address is the clients'."""

    entered = ("-n",)
    address = f"{NETWORK}.254"

    def __init__(self):
        super().__init__("--net")
        self.run("sh", "-c", "ip link set lo up && ip link add bridge type bridge && "
                 f"ip address add {self.address}/24 dev bridge && ip link set bridge up")

    @contextlib.contextmanager
    def inside(self):
        """The calling thread's sockets are the switch's: those that it makes meanwhile."""
        own = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        enter_network(self.network)
        try:
            yield
        finally:
            enter_network(own)
            os.close(own)

    def thread(self, target, *arguments):
        """A thread that lives in the switch's network; started."""
        def run():
            enter_network(self.network)
            target(*arguments)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread


class Host(Namespace):
    """A host of the cluster: its own network, its own /run, and what `private` names by folder."""

    def __init__(self, switch, number, folder, private=()):
        super().__init__("--net", "--mount", "--pid", "--mount-proc")
        self.number, self.folder, self.switch = number, folder, switch
        self.address = f"{NETWORK}.{number}"
        port = f"port{number}"
        # The kernel takes a dead host's end of the cable away in its own time.
        wait_until(lambda: switch.run("ip", "link", "show", port, check=False).returncode != 0,
                   "the end of an old link")
        switch.run("sh", "-c", f"ip link add {port} type veth peer name eth0 netns {self.pid} && "
                   f"ip link set {port} master bridge && ip link set {port} up")
        binds = " && ".join(f"mkdir -p {folder}/{name} {path} && mount --bind {folder}/{name} "
                            f"{path}" for name, path in private)
        self.run("sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /run && "
                 f"ip link set lo up && ip address add {self.address}/24 dev eth0 && "
                 "ip link set eth0 up" + (f" && {binds}" if binds else ""))

    def cut(self, addresses=None):
        """Drops what is sent to and by this host's `addresses` (None: everybody)."""
        where = "" if addresses is None else f"ip saddr {{ {', '.join(addresses)} }} "
        back = "" if addresses is None else f"ip daddr {{ {', '.join(addresses)} }} "
        rules = (f'add table ip cut; add chain ip cut in {{ type filter hook input priority 0; }};'
                 f'add chain ip cut out {{ type filter hook output priority 0; }};'
                 f'add rule ip cut in iifname "eth0" {where}drop;'
                 f'add rule ip cut out oifname "eth0" {back}drop')
        self.run("nft", rules)

    def heal(self):
        self.run("nft", "delete table ip cut")
