"""A network of the comparison's own: loopback without the machine's settings, traffic and rules.

Some machines pace TCP (BBR): then timers send, on whichever core they fire, and a server's work
is charged to its client or the other way round. In a namespace of its own the run has Linux's
unpaced Reno, which on loopback, where nothing is lost, behaves as its default, CUBIC, does.
"""

import ctypes
import fcntl
import os
import pathlib
import socket
import struct

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1
CONGESTION = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        flags = struct.unpack_from("H", request, 16)[0]
        struct.pack_into("H", request, 16, flags | IFF_UP)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def enter_own():
    """For this process and what it starts from now on. Root only; else the machine's is used."""
    own = os.geteuid() == 0 and ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0
    if own:
        raise_loopback()
        try:
            CONGESTION.write_text("reno")
        except OSError:
            pass  # /proc/sys is read-only; the result says what was used
    return {"own_namespace": own, "congestion_control": CONGESTION.read_text().strip()}
