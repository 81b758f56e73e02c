"""The whole bed, built and torn down. Everything that runs is in namespaces whose first processes
die with the thread that built it; the folder is the caller's to remove."""

import concurrent.futures
import contextlib
import pathlib
import shutil
import tempfile

from .balancer import Balancer
from .containers import Cluster, Container
from .gluster import PRIVATE, Gluster
from .host import Host, Switch
from .work import BUCKET, Client


@contextlib.contextmanager
def temporary(parent):
    """A bed in a folder of its own below `parent`, with a bucket; gone afterwards. Bricks need
    trusted attributes, which a tmpfs may lack."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bed-", dir=parent))
    made = None
    try:
        made = Bed(folder)
        with made.switch.inside():
            assert Client(made.containers[0].address).ask("PUT", f"/{BUCKET}").status == 200
        yield made
        made.stop()
    finally:
        if made is not None:
            made.end()
        shutil.rmtree(folder)


class Bed:
    """`count` hosts with a brick and a container each, and one more, `front`, with neither; of two,
    that one has the brick that only votes."""

    def __init__(self, folder, count=3, durability="strict"):
        self.folder, self.hosts, self.cluster, self.balancer = folder, [], None, None
        self.switch = Switch()
        try:
            for number in range(1, count + 2):
                self.hosts.append(self._host(number))
            *self.nodes, self.front = self.hosts
            two = count == 2
            self.gluster = Gluster(list(self.hosts if two else self.nodes), folder, arbiter=two)
            self.gluster.make()
            self.cluster = Cluster(self.nodes, self.gluster.point, "--durability", durability)
            self.containers = self.cluster.containers
            self.cluster.start()
            self.balancer = Balancer(self.front, self.containers)
            with self.switch.inside():
                self.balancer.wait_states(**{each.name: True for each in self.containers})
        except BaseException:
            self.end()
            raise

    def _host(self, number):
        folder = self.folder / f"host{number}"
        folder.mkdir(parents=True, exist_ok=True)
        return Host(self.switch, number, folder, PRIVATE)

    def reboot(self, index):
        """The host loses its power and comes back, with its container; returns that."""
        old = self.containers[index]
        old.host.end()
        old.process.wait(30)
        host = self._host(old.host.number)
        self.hosts[self.hosts.index(old.host)] = host
        self.nodes[index] = self.gluster.hosts[index] = self.cluster.hosts[index] = host
        self.gluster.restart(host)
        self.containers[index] = Container(host, self.cluster.config_fs).start()
        return self.containers[index]

    def stop(self):
        """Every container ends in order."""
        with concurrent.futures.ThreadPoolExecutor(len(self.containers)) as pool:
            list(pool.map(lambda each: each.stop(), self.containers))

    def end(self):
        for host in [*self.hosts, self.switch]:
            host.holder.kill()  # all at once, then one after the other
        for host in [*self.hosts, self.switch]:
            with contextlib.suppress(OSError):
                host.end()
