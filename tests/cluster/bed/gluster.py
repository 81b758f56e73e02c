"""A replicated GlusterFS volume over hosts, a brick on each, mounted on each."""

import concurrent.futures
import contextlib

from .host import wait_until

VOLUME = "shared"
PRIVATE = (("glusterd", "/var/lib/glusterd"), ("log", "/var/log/glusterfs"))
# What the README asks of a cluster over GlusterFS: nobody serves names or contents that another
# host has changed, and a minority of bricks takes no writes.
OPTIONS = {
    "cluster.quorum-type": "auto",
    "network.ping-timeout": "5",
    # Locks of a host that is cut off are let go after this time, which must be longer than that
    # host takes to notice (twice the ping's).
    "server.tcp-user-timeout": "15",
    "server.keepalive-time": "5",
    "server.keepalive-interval": "2",
    "server.keepalive-count": "5",
    "performance.quick-read": "off",
    "performance.stat-prefetch": "off",
    "performance.io-cache": "off",
    "performance.open-behind": "off",
    "performance.flush-behind": "off",
    "performance.read-ahead": "off",
    "performance.readdir-ahead": "off",
}
MOUNT_OPTIONS = ("--attribute-timeout=0", "--entry-timeout=0", "--negative-timeout=0")


class Gluster:
    def __init__(self, hosts, folder, *, options=None, mount_options=MOUNT_OPTIONS, arbiter=False):
        self.hosts, self.mount_options = hosts, mount_options
        self.options = {**OPTIONS, **(options or {})}
        self.point = folder / "mnt"  # the same path on every host, another mount each
        self.arbiter = arbiter
        self.point.mkdir(parents=True, exist_ok=True)

    def start_daemon(self, host):
        # Its tool for replication to other sites, in Python, is run a score of times at the first
        # start: eight seconds that nobody here needs.
        idle = host.folder / "gsyncd"
        idle.write_text("#!/bin/sh\necho gsyncd\n")
        idle.chmod(0o755)
        host.run("sh", "-c", "for each in /usr/lib*/*/glusterfs/gsyncd; do [ ! -e $each ] || "
                 f"mount --bind {idle} $each; done; exec glusterd", timeout_s=60)
        wait_until(lambda: self.tell(host, "pool", "list", check=False).returncode == 0,
                   "glusterd's answer")

    def tell(self, host, *words, check=True):
        return host.run("gluster", "--mode=script", *words, check=check, timeout_s=120)

    def make(self):
        first, *others = self.hosts
        for host in self.hosts:
            (host.folder / "brick").mkdir(exist_ok=True)
        self._each(self.start_daemon)
        for host in others:
            self.tell(first, "peer", "probe", host.address)
        # Each must see all the others, not the first alone.
        self._each(lambda host: wait_until(
            lambda: self.tell(host, "pool", "list").stdout.count("Connected") == len(self.hosts) and
            self.tell(host, "peer", "status").stdout.count("in Cluster") == len(others), "the peers"))
        bricks = [f"{host.address}:{host.folder}/brick" for host in self.hosts]
        kind = ["replica", len(self.hosts)]
        if self.arbiter:
            kind = ["replica", "2", "arbiter", "1"]  # the last one only votes
        self.tell(first, "volume", "create", VOLUME, *kind, *bricks, "force")
        pairs = [word for pair in self.options.items() for word in pair]
        self.tell(first, "volume", "set", VOLUME, *pairs)
        self.tell(first, "volume", "start", VOLUME)
        self._each(self.mount)

    def _each(self, work):
        with concurrent.futures.ThreadPoolExecutor(len(self.hosts)) as pool:
            list(pool.map(work, self.hosts))

    def mount(self, host, options=None, server=None):
        host.run("glusterfs", f"--volfile-server={(server or host).address}",
                 f"--volfile-id=/{VOLUME}",
                 *(self.mount_options if options is None else options),
                 f"--log-file={host.folder}/mount.log", self.point)
        wait_until(lambda: host.run("sh", "-c", f"grep -q ' {self.point} fuse' /proc/mounts && "
                                    f"ls {self.point}", check=False).returncode == 0, "the mount")

    def restart(self, host):
        """A host that was started again."""
        self.start_daemon(host)
        wait_until(lambda: self.brick(host), "its brick")
        self.mount(host)

    def brick(self, host):
        """The brick's process in the host's own numbers; None where it does not run."""
        with contextlib.suppress(ValueError):
            return int(host.run("pgrep", "-o", "glusterfsd", check=False).stdout)
        return None
