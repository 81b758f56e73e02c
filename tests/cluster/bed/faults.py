"""What befalls a container or its host, while clients work. Each puts things right again before
it returns, and gives times in seconds: until the balancer sends no more requests there, and until
it does again. Called inside the switch, by the thread that built the bed. A second one on the same bed, before
the volume has healed, may leave no majority of whole copies: it refuses writes then."""

import signal
import time

from .work import Load

HELD_S = 15  # past every deadline on the way: the balancer's, the pings', a lock's wait


def until(bed, begun, **wanted):
    bed.balancer.wait_states(**wanted)
    return round(time.monotonic() - begun, 1)


def killed(bed, index):
    """kill -9 of the container, which is started again."""
    container, begun = bed.containers[index], time.monotonic()
    container.kill()
    figures = {"noticed": until(bed, begun, **{container.name: False})}
    time.sleep(2)
    begun = time.monotonic()
    container.start().wait_ready()
    return {**figures, "back": until(bed, begun, **{container.name: True})}


def stopped(bed, index):
    """SIGSTOP, for longer than others wait for its locks."""
    container, begun = bed.containers[index], time.monotonic()
    container.signal(signal.SIGSTOP)
    try:
        figures = {"noticed": until(bed, begun, **{container.name: False})}
        time.sleep(HELD_S)
    finally:
        container.signal(signal.SIGCONT)
    begun = time.monotonic()
    return {**figures, "back": until(bed, begun, **{container.name: True})}


def parted(bed, index):
    """The host is cut off from everybody: its storage, the balancer, the others."""
    container, begun = bed.containers[index], time.monotonic()
    container.host.cut()
    try:
        figures = {"noticed": until(bed, begun, **{container.name: False})}
        time.sleep(HELD_S)
    finally:
        container.host.heal()
    begun = time.monotonic()
    return {**figures, "back": until(bed, begun, **{container.name: True})}


def cut_from_storage(bed, index):
    """The host is cut off from the other bricks; clients and the balancer still reach it."""
    container, begun = bed.containers[index], time.monotonic()
    container.host.cut([host.address for host in bed.nodes if host is not container.host])
    try:
        figures = {"noticed": until(bed, begun, **{container.name: False})}
        time.sleep(HELD_S)
    finally:
        container.host.heal()
    begun = time.monotonic()
    return {**figures, "back": until(bed, begun, **{container.name: True})}


def brick_lost(bed, index):
    """One brick of three ends; the volume goes on, and so does every container."""
    host = bed.containers[index].host
    host.run("kill", "-9", str(bed.gluster.brick(host)))
    time.sleep(HELD_S)
    bed.gluster.tell(host, "volume", "start", "shared", "force")
    begun = time.monotonic()
    return {"back": until(bed, begun, **{each.name: True for each in bed.containers})}


def rebooted(bed, index):
    """Everything on the host ends at once: container, brick, mount, daemon; and comes back."""
    name, begun = bed.containers[index].name, time.monotonic()
    container = bed.reboot(index)
    booted = round(time.monotonic() - begun, 1)
    container.wait_ready()
    begun = time.monotonic()
    return {"booted": booted, "back": until(bed, begun, **{name: True})}


def under_load(bed, fault, index):
    """The load, with what it counted, and the fault's times."""
    load = Load(bed, [bed.balancer.address])
    try:
        time.sleep(5)
        figures = fault(bed, index)
        time.sleep(5)
    finally:
        load.stop()
    return load.check_all([each.address for each in bed.containers]), figures


ALL = (killed, stopped, parted, cut_from_storage, brick_lost, rebooted)
